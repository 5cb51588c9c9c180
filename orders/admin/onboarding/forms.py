"""The forms of tenants: all that can be set, and the first step of onboarding one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import slugify

from orders.admin.fields import PairsField, SecondsField, TextField
from orders.integrations.onboarding_faults import FileFault, FileRefused
from orders.integrations.onboarding_steps import EXISTS, sentence
from orders.models import Tenant
from orders.onboarding.fields import HttpUrl, Schedule
from orders.onboarding.model import StatusMap

MODES = (
    ("events", "Events: the tenant sends its orders, the hub stores them and notifies suppliers and warehouses"),
    ("proxy", "Proxy: the hub reads orders from the tenant's own order service and stores none"),
    ("migrating", "Migrating: from proxy to events; orders are read as in proxy mode and sent as in events mode"),
)


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    external_url = TextField(
        annotation=HttpUrl,
        required=False,
        label="External URL",
        help_text="The address of the tenant's own order service. Needed in proxy and migrating mode.",
    )
    status_map = PairsField(
        annotation=StatusMap,
        required=False,
        label="Status words",
        help_text="The tenant's words and ours, one pair per line: NEW = CREATED",
    )
    event_retry_schedule = SecondsField(
        annotation=Schedule,
        required=False,
        label="Retry schedule of events",
        help_text="Seconds before each retry: 1, 5, 30. Empty: the hub's default.",
    )

    class Meta:
        model = Tenant
        fields = (
            "slug", "name", "active", "mode", "country", "time_zone", "external_url", "proxy_timeout_seconds",
            "status_map", "unknown_members", "case_type", "event_retry_schedule", "not_fetched_after_minutes",
            "tells_from", "compared_per_minute",
        )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        mode = values.get("mode", self.instance.mode)
        reads_through = mode in (Tenant.Mode.PROXY, Tenant.Mode.MIGRATING) and "external_url" in self.fields
        if reads_through and not values.get("external_url") and "external_url" not in self.errors:
            self.add_error("external_url", f"Enter the tenant's external URL: in {mode} mode orders are read from it.")
        return values


class StartForm(TenantForm):
    """Step 1. The id may be left empty: it is made of the name. The tenant is off until it is switched on."""

    slug = forms.CharField(
        label="Id", required=False, max_length=63,
        help_text="Part of addresses; cannot be changed later. a-z, 0-9, hyphens. Empty: made from the name.",
    )  # fmt: skip
    mode = forms.ChoiceField(label="Where its orders are", choices=MODES, widget=forms.RadioSelect, initial="events")
    field_order = ("name", "slug", "mode", "external_url", "country", "time_zone")
    when: ClassVar = {"external_url": "mode=proxy,migrating"}
    plain: ClassVar = ("name", "slug", "mode", "external_url", "country", "time_zone")
    """Fields that everybody fills in; the others have defaults that fit most tenants."""

    class Meta(TenantForm.Meta):
        fields = tuple(  # type: ignore[assignment]  # fewer than the base has
            name for name in TenantForm.Meta.fields if name not in ("active", "tells_from", "compared_per_minute")
        )
        help_texts: ClassVar = {
            "name": "As people call it: Acme Retail",
            "country": "Two small letters, such as dk. Empty: its suppliers cannot report back to the hub.",
            "time_zone": "Such as Europe/Copenhagen.",
            "case_type": "The name of a case in events to suppliers.",
            "not_fetched_after_minutes": "How long a supplier may leave an order unfetched before it needs attention.",
            "proxy_timeout_seconds": "How long a read may take. Empty: the hub's default.",
        }

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        if not values.get("slug") and values.get("name") and "slug" not in self.errors:
            values["slug"] = slugify(values["name"])[:63]
        if not values.get("slug") and values.get("name") and "slug" not in self.errors:
            self.add_error("slug", "Enter an id: none can be made from the name.")
        if there := Tenant.objects.filter(slug=values.get("slug") or "").first():
            url = reverse("admin:orders_tenant_onboard", args=(there.pk,))
            self.add_error("slug", ValidationError(format_html(EXISTS, there.slug, url)))
        return values

    def keys(self) -> dict[str, Any]:
        """The tenant as the onboarding file has it. Raises FileRefused where it exists by now."""
        given = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        if Tenant.objects.filter(slug=given["slug"]).exists():
            raise FileRefused("the form", [FileFault("the form", 1, ("tenants", 0, "slug"), "exists already")])
        return {"id": given.pop("slug"), "active": False, **given}

    def refused(self, faults: Sequence[FileFault]) -> None:
        for fault in faults:
            places = ["slug" if part == "id" else part for part in reversed(fault.place)]
            field = next((str(part) for part in places if part in self.fields), None)
            self.add_error(field, sentence(fault.because))

    @property
    def first(self) -> list[forms.BoundField]:
        return [self[name] for name in self.plain]

    @property
    def rest_wrong(self) -> bool:
        return any(bound.errors for bound in self.rest)

    @property
    def rest(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.name not in self.plain]
