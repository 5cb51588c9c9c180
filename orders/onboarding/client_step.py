"""The step of the onboarding page for the tenant's own API clients."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.urls import reverse

from orders.integrations.onboarding_steps import Item, StepForm, lines_of
from orders.models import ApiClient, Tenant
from orders.onboarding.files import exported_objects

MAY = {
    "customer-orders:read": "Read orders: tills, web shop, customer service",
    "customer-orders:write": "Send orders: the order management system",
    "proxy-config:write": "Set the credentials of the tenant's own order service",
    "order-events:operate": "Retry or discard orders that failed",
    "products:write": "Send products to warehouses",
}
READER, WRITER = ["customer-orders:read"], ["customer-orders:read", "customer-orders:write"]


class ClientForm(StepForm):
    client_id = forms.CharField(label="Client id", help_text="What the program signs in with. Unique over all tenants.")
    scopes = forms.MultipleChoiceField(
        label="It may", choices=list(MAY.items()), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one."},
    )  # fmt: skip
    business_units = forms.CharField(
        label="Business units", required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One per line, such as store-1. Empty: all of them.",
    )  # fmt: skip
    id_field = "client_id"
    places: ClassVar = {
        "api_clients": "client_id", "api_clients.client_id": "client_id", "api_clients.scopes": "scopes",
        "api_clients.business_units": "business_units",
    }  # fmt: skip

    def __init__(self, *args: Any, stored: dict[str, Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self.stored = stored

    def keys(self) -> dict[str, Any]:
        given = self.cleaned_data
        same = self.stored if self.stored.get("client_id") == given["client_id"] else {}
        entry = {**same, "client_id": given["client_id"], "scopes": given["scopes"]}
        entry["business_units"] = lines_of(given["business_units"]) or None
        return {"api_clients": [entry]}


class ApiClients:
    """See orders.integrations.onboarding_steps.Step."""

    position = 20
    key, title, add_words = "clients", "API clients", "Save the client"
    may_prepare = True
    test_area, test_words = "API", "Test the API"
    test_effect = "Signs in as a client made for the test alone, asks for an order and searches. Nothing is stored."

    def about(self, tenant: Tenant) -> str:
        if tenant.active:
            return "Programs of the tenant that may call the hub. A new client's secret is shown once, here."
        return (
            "Programs of the tenant that may call the hub. Their secrets are made and shown once, with lines to try "
            "them, when you switch the tenant on."
        )

    def needless(self, tenant: Tenant) -> str:
        return ""

    def lacking(self, tenant: Tenant) -> str:
        return "" if self._clients(tenant).exists() else "Add at least one API client: nobody could call otherwise."

    def items(self, tenant: Tenant) -> list[Item]:
        return [
            Item(
                client.client_id,
                client.client_id,
                f"may {', '.join(client.scopes)}; "
                + ("all business units" if client.business_units is None else ", ".join(client.business_units)),
                reverse("admin:orders_apiclient_change", args=(client.pk,)),
                active=client.active,
            )
            for client in self._clients(tenant)
        ]

    def form(self, tenant: Tenant, data: Any = None, *, item: str = "") -> ClientForm:
        wanted = item or (data or {}).get("client_id", "")
        stored: dict[str, Any] = next(
            (one for one in exported_objects(tenant, "api_clients") or () if one["client_id"] == wanted), {}
        )
        scopes = WRITER if tenant.mode != Tenant.Mode.PROXY else READER
        first = not self._clients(tenant).exists()
        initial = {"client_id": f"{tenant.slug}-oms" if first else "", "scopes": scopes, **stored}
        initial["business_units"] = "\n".join(stored.get("business_units") or ())
        return ClientForm(data, initial=initial, stored=stored)

    def _clients(self, tenant: Tenant) -> Any:
        return ApiClient.objects.filter(tenant=tenant, kind=ApiClient.Kind.TENANT).exclude(
            client_id__startswith="selftest."
        )
