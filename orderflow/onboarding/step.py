"""The step of the onboarding page for the tenant's OrderFlow warehouses."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.urls import reverse

from orderflow.models import OrderFlowChannel
from orderflow.onboarding import self_test
from orders.integrations.onboarding_steps import KEEPS_SECRET, Item, StepForm, lines_of, secret_input
from orders.models import Tenant
from orders.onboarding.files import exported_objects

AUTH = (("headers", "OrderFlow's own headers (usual)"), ("basic", "Basic"))


class ChannelForm(StepForm):
    slug = forms.CharField(label="Id", help_text="A short name of the warehouse: a-z, 0-9, hyphens.")
    base_url = forms.CharField(
        label="Site address", help_text="With its context path: https://wms.example.com/rtd2-host"
    )
    channel = forms.CharField(label="Channel", help_text="As the warehouse calls it, such as MYCHANNEL.")
    organisation = forms.CharField(
        label="Organisation", required=False, help_text="Only where the warehouse asks for it."
    )
    auth = forms.ChoiceField(label="The hub signs in with", choices=AUTH)
    username = forms.CharField(label="User name")
    password = forms.CharField(
        label="Password", required=False, widget=secret_input(),
        help_text=f"Needed for a new warehouse. {KEEPS_SECRET}",
    )  # fmt: skip
    item_patterns = forms.CharField(
        label="Its items", widget=forms.Textarea(attrs={"rows": 2}), help_text="One pattern per line; * is every item."
    )
    time_zone = forms.CharField(label="Time zone of the site", help_text="Such as Europe/London.")
    currency_units = forms.CharField(label="Currency, in the warehouse's word", help_text="Such as pounds.")
    require_delivery_address = forms.BooleanField(label="Orders without a delivery address are refused", required=False)
    id_field = "slug"
    places: ClassVar = {
        f"orderflow_channels.{path}": field
        for path, field in {
            "id": "slug", "base_url": "base_url", "channel": "channel", "organisation": "organisation",
            "auth": "auth", "auth.username": "username", "auth.password": "password",
            "item_patterns": "item_patterns", "time_zone": "time_zone", "currency_units": "currency_units",
            "require_delivery_address": "require_delivery_address",
        }.items()
    }  # fmt: skip

    def __init__(self, *args: Any, stored: list[dict[str, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.stored = stored

    def clean(self) -> dict[str, Any]:
        """The warehouse has the password; one made here would open nothing."""
        given = super().clean() or self.cleaned_data
        known = {one["id"] for one in self.stored}
        if not given.get("password") and given.get("slug") not in known:
            self.add_error("password", "Enter the password that the warehouse gave.")
        return given

    def keys(self) -> dict[str, Any]:
        given = self.cleaned_data
        before = next((one for one in self.stored if one["id"] == given["slug"]), {})
        auth = {"type": given["auth"], "username": given["username"]}
        same = ("base_url", "channel", "time_zone", "currency_units", "require_delivery_address")
        entry = {**before, "id": given["slug"], **{name: given[name] for name in same}}
        entry |= {"organisation": given["organisation"] or None, "item_patterns": lines_of(given["item_patterns"])}
        entry["auth"] = auth | ({"password": given["password"]} if given["password"] else {})
        entry.pop("products", None)
        return {"orderflow_channels": [entry]}


class WarehousesStep:
    """See orders.integrations.onboarding_steps.Step."""

    position = 40
    key, title, add_words = "warehouses", "OrderFlow warehouses", "Save the warehouse"
    may_prepare = True
    test_area, test_words = self_test.AREA, "Try the XML and the login"
    test_effect = (
        "Writes the import of a sample order without sending it, then asks the site for an order that nobody has. "
        "Nothing is changed there."
    )

    def about(self, tenant: Tenant) -> str:
        return "Warehouses of the tenant that get its orders as OrderFlow imports."

    def needless(self, tenant: Tenant) -> str:
        if tenant.mode != Tenant.Mode.PROXY:
            return ""
        return "In proxy mode orders are only read, so that no warehouse gets them. You may prepare one."

    def lacking(self, tenant: Tenant) -> str:
        return ""

    def items(self, tenant: Tenant) -> list[Item]:
        found = OrderFlowChannel.objects.filter(destination__tenant=tenant).select_related("destination")
        return [
            Item(
                channel.destination.name,
                channel.destination.name,
                f"{channel.base_url}, channel {channel.channel}; takes {', '.join(channel.item_patterns) or 'nothing'}",
                reverse("admin:orderflow_orderflowchannel_change", args=(channel.pk,)),
                active=channel.destination.active,
            )
            for channel in found
        ]

    def form(self, tenant: Tenant, data: Any = None, *, item: str = "") -> ChannelForm:
        stored = exported_objects(tenant, "orderflow_channels")
        one = next((entry for entry in stored if entry["id"] == item), None)
        usual = {
            "slug": "" if stored else "main", "auth": "headers", "item_patterns": "*",
            "time_zone": "Europe/London", "currency_units": "pounds",
        }  # fmt: skip
        return ChannelForm(data, initial=_initial(one) if one else usual, stored=stored)


def _initial(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: entry[name] for name in ("base_url", "channel", "time_zone", "currency_units")},
        "slug": entry["id"], "organisation": entry["organisation"] or "",
        "auth": entry["auth"]["type"], "username": entry["auth"]["username"],
        "item_patterns": "\n".join(entry["item_patterns"]),
        "require_delivery_address": entry["require_delivery_address"],
    }  # fmt: skip
