"""Forms of the cut-over page: which orders to release, and from when to notify."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django import forms

from orders.cutover.order_choice import Choice
from orders.models import Tenant


class ChoiceForm(forms.Form):
    """Which orders known before the cut-over to release; empty: all. Days are in the tenant's time zone."""

    customer_order_id = forms.CharField(label="Order", max_length=128, required=False)
    business_unit_id = forms.CharField(label="Business unit", max_length=128, required=False)
    status = forms.CharField(label="Status now", max_length=128, required=False)
    placed_from = forms.DateField(label="Placed on or after", required=False)
    placed_to = forms.DateField(label="Placed before", required=False)
    updated_from = forms.DateField(label="Changed here on or after", required=False)
    received_from = forms.DateField(label="First received on or after", required=False)

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        for field in self.fields.values():
            kind = "date" if isinstance(field, forms.DateField) else "text"
            field.widget = forms.TextInput({"type": kind, "autocomplete": "off", "spellcheck": "false"})

    def choice(self) -> Choice:
        given: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if value}
        for name, value in given.items():
            given[name] = self._moment(value) if isinstance(value, date) else value
        return Choice(**given)

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.tenant.zone)


class NotifyFromForm(forms.Form):
    """From when suppliers and warehouses are notified while a tenant migrates; empty: of no order."""

    moment = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
    """Read in the active time zone: the tenant's."""
    reason = forms.CharField(max_length=500)
