"""The step of the onboarding page for suppliers and their webhooks."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.text import slugify

from orders.integrations.onboarding_steps import KEEPS_SECRET, Item, StepForm, lines_of, secret_input
from orders.models import Tenant
from orders.models.tenants import SUPPLIER_SCOPES
from orders.onboarding.files import exported_objects
from suppliers.models import Supplier
from suppliers.onboarding import self_test
from suppliers.webhooks.events import ORDER_CANCELLED, ORDER_CREATED

AUTH = (
    ("none", "The signature alone"),
    ("basic", "The signature, and a user name with password"),
    ("oauth2", "The signature, and an OAuth2 token"),
)
MORE_EVENTS = (
    ("order_updated", "when its part of an order changes"),
    ("order_cancelled", "when its part is cancelled"),
)


class SupplierForm(StepForm):
    name = forms.CharField(label="Name", help_text="Such as Beans Ltd")
    slug = forms.CharField(label="Id", required=False, help_text="a-z, 0-9, hyphens. Empty: made of the name.")
    item_patterns = forms.CharField(
        label="Its items", widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One pattern per line: BEAN-* is every item that begins with BEAN-. * and ? stand for others.",
    )  # fmt: skip
    client_id = forms.CharField(
        label="Client id", required=False, help_text="What the supplier signs in with. Empty: tenant and id together."
    )
    url = forms.CharField(
        label="Webhook address", required=False,
        help_text="Where events are sent: https://beans.example/hook. Empty: it asks for them itself.",
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        label="It is notified of every new order, and", required=False, choices=MORE_EVENTS,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    auth = forms.ChoiceField(label="Its webhook asks for", choices=AUTH)
    username = forms.CharField(label="User name", required=False)
    password = forms.CharField(
        label="Password", required=False, widget=secret_input(), help_text="Empty keeps what is stored, or makes one."
    )
    oauth_client = forms.CharField(label="Client id at the supplier", required=False)
    oauth_secret = forms.CharField(label="Client secret", required=False, widget=secret_input(), help_text=KEEPS_SECRET)
    auth_url = forms.CharField(label="Token address", required=False)
    when: ClassVar = {
        "username": "auth=basic", "password": "auth=basic",
        "oauth_client": "auth=oauth2", "oauth_secret": "auth=oauth2", "auth_url": "auth=oauth2",
    }  # fmt: skip
    id_field = "slug"
    places: ClassVar = {
        "suppliers": "name", "suppliers.id": "slug", "suppliers.name": "name",
        "suppliers.item_patterns": "item_patterns", "suppliers.api_client": "client_id",
        "suppliers.webhook.url": "url", "suppliers.webhook.events": "events", "suppliers.webhook.auth": "auth",
        "suppliers.webhook.auth.username": "username", "suppliers.webhook.auth.password": "password",
        "suppliers.webhook.auth.clientId": "oauth_client", "suppliers.webhook.auth.clientSecret": "oauth_secret",
        "suppliers.webhook.auth.authUrl": "auth_url",
    }  # fmt: skip

    def __init__(self, *args: Any, tenant: Tenant, stored: list[dict[str, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.tenant, self.stored = tenant, stored

    def target(self) -> str:
        return str(self.cleaned_data["slug"] or slugify(self.cleaned_data["name"])[:63])

    def keys(self) -> dict[str, Any]:
        given, slug = self.cleaned_data, self.target()
        before = next((one for one in self.stored if one["id"] == slug), {})
        client = {"scopes": list(SUPPLIER_SCOPES), **before.get("api_client", {})}
        if given["client_id"] or not before.get("api_client"):
            client["client_id"] = given["client_id"] or f"{self.tenant.slug}-{slug}"
        entry = {**before, "id": slug, "name": given["name"], "item_patterns": lines_of(given["item_patterns"])}
        entry |= {"api_client": client, "webhook": self._webhook(before.get("webhook") or {})}
        return {"suppliers": [entry]}

    def _webhook(self, before: dict[str, Any]) -> dict[str, Any] | None:
        given = self.cleaned_data
        if not given["url"]:
            return None
        return {**before, "url": given["url"], "events": [ORDER_CREATED, *given["events"]], "auth": self._auth(before)}

    def _auth(self, before: dict[str, Any]) -> dict[str, Any]:
        given, kind = self.cleaned_data, self.cleaned_data["auth"]
        names = {
            "basic": {"username": "username", "password": "password"},
            "oauth2": {"clientId": "oauth_client", "clientSecret": "oauth_secret", "authUrl": "auth_url"},
        }.get(kind, {})
        auth = before.get("auth", {})
        kept = {name: auth[name] for name in ("scope", "resource") if name in auth and kind == auth.get("type")}
        return {**kept, "type": kind, **{name: given[field] for name, field in names.items() if given[field]}}


class SuppliersStep:
    """See orders.integrations.onboarding_steps.Step."""

    position = 30
    key, title, add_words = "suppliers", "Suppliers", "Save the supplier"
    may_prepare = True
    test_area, test_words = self_test.AREA, "Send a test event"
    test_effect = "A signed event of no order is sent to each supplier's webhook now. It requires no delivery."

    def about(self, tenant: Tenant) -> str:
        more = "" if tenant.country else " Without a country on the tenant suppliers cannot report back (step 1)."
        return f"Companies that deliver items of the tenant's orders. Each is notified of its part by a webhook.{more}"

    def needless(self, tenant: Tenant) -> str:
        if tenant.mode != Tenant.Mode.PROXY:
            return ""
        return "In proxy mode orders are only read, so nobody is notified of them. You may prepare suppliers."

    def lacking(self, tenant: Tenant) -> str:
        return ""

    def items(self, tenant: Tenant) -> list[Item]:
        found = Supplier.objects.filter(tenant=tenant).select_related("webhook")
        return [
            Item(
                supplier.slug,
                supplier.name,
                f"takes {', '.join(supplier.item_patterns)}; {_told_at(supplier)}",
                reverse("admin:suppliers_supplier_change", args=(supplier.pk,)),
                active=supplier.active,
            )
            for supplier in found
        ]

    def form(self, tenant: Tenant, data: Any = None, *, item: str = "") -> SupplierForm:
        stored = exported_objects(tenant, "suppliers")
        one = next((entry for entry in stored if entry["id"] == item), None)
        return SupplierForm(
            data, initial=_initial(one) if one else {"events": [ORDER_CANCELLED]}, tenant=tenant, stored=stored
        )


def _told_at(supplier: Supplier) -> str:
    webhook = getattr(supplier, "webhook", None)
    return f"notified at {webhook.url}" if webhook else "asks for its events itself"


def _initial(entry: dict[str, Any]) -> dict[str, Any]:
    webhook = entry.get("webhook") or {}
    auth = webhook.get("auth") or {"type": "none"}
    return {
        "name": entry["name"], "slug": entry["id"], "item_patterns": "\n".join(entry["item_patterns"]),
        "client_id": (entry.get("api_client") or {}).get("client_id", ""), "url": webhook.get("url", ""),
        "events": webhook.get("events", []), "auth": auth["type"], "username": auth.get("username", ""),
        "oauth_client": auth.get("clientId", ""), "auth_url": auth.get("authUrl", ""),
    }  # fmt: skip
