"""The step of the onboarding page for the tenant's own order service: its address and our credentials there."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.urls import reverse

from orders.integrations.onboarding_steps import KEEPS_SECRET, Item, StepForm, secret_input
from orders.models import Tenant
from proxy.models import ProxyConfig
from proxy.onboarding import self_test

TYPES = (("basic", "User name and password (Basic)"), ("oauth2", "OAuth2 client credentials"))


class OrderServiceForm(StepForm):
    external_url = forms.CharField(
        label="External URL",
        help_text="The address of the tenant's order service up to its version: https://oms.example.com/api/v1",
    )
    type = forms.ChoiceField(label="The hub signs in with", choices=TYPES)
    username = forms.CharField(label="User name", required=False)
    password = forms.CharField(label="Password", required=False, widget=secret_input(), help_text=KEEPS_SECRET)
    client_id = forms.CharField(label="Client id", required=False)
    client_secret = forms.CharField(
        label="Client secret", required=False, widget=secret_input(), help_text=KEEPS_SECRET
    )
    auth_url = forms.CharField(
        label="Token address", required=False, help_text="Such as https://login.example.com/oauth2/token"
    )
    when: ClassVar = {
        "username": "type=basic", "password": "type=basic",
        "client_id": "type=oauth2", "client_secret": "type=oauth2", "auth_url": "type=oauth2",
    }  # fmt: skip
    places: ClassVar = {
        "external_url": "external_url",
        "proxy_auth.type": "type",
        "proxy_auth.config.username": "username", "proxy_auth.config.password": "password",
        "proxy_auth.config.clientId": "client_id", "proxy_auth.config.clientSecret": "client_secret",
        "proxy_auth.config.authUrl": "auth_url",
        "proxy_auth.basic.config.username": "username", "proxy_auth.oauth2.config.clientId": "client_id",
        "proxy_auth.oauth2.config.authUrl": "auth_url",
    }  # fmt: skip

    def keys(self) -> dict[str, Any]:
        given = self.cleaned_data
        names = (
            {"username": "username", "password": "password"}
            if given["type"] == "basic"
            else {"clientId": "client_id", "clientSecret": "client_secret", "authUrl": "auth_url"}
        )
        config = {name: given[field] for name, field in names.items() if given[field]}
        return {"external_url": given["external_url"], "proxy_auth": {"type": given["type"], "config": config}}


class OrderService:
    """See orders.integrations.onboarding_steps.Step."""

    position = 10
    key, title, add_words = "service", "The tenant's order service", "Save address and credentials"
    may_prepare = False
    test_area, test_words = self_test.AREA, "Test the connection"
    test_effect = (
        "Asks the order service as a till's read would: name, connection, encryption, token, one order, a search. "
        "Nothing is changed there."
    )

    def about(self, tenant: Tenant) -> str:
        return "Where the hub reads this tenant's orders, and how it signs in there."

    def needless(self, tenant: Tenant) -> str:
        return "In events mode orders are sent to the hub and kept here." if tenant.mode == Tenant.Mode.EVENTS else ""

    def lacking(self, tenant: Tenant) -> str:
        if self.needless(tenant) or ProxyConfig.objects.filter(tenant=tenant).exists():
            return ""
        return "Enter the credentials of the tenant's order service: reads fail without them."

    def items(self, tenant: Tenant) -> list[Item]:
        config = ProxyConfig.objects.filter(tenant=tenant).first()
        if config is None:
            return []
        url = reverse("admin:proxy_proxyconfig_change", args=(config.pk,))
        return [Item("it", tenant.external_url or "its login", f"signs in with {config.get_type_display()}", url)]

    def form(self, tenant: Tenant, data: Any = None, *, item: str = "") -> OrderServiceForm:
        config = ProxyConfig.objects.filter(tenant=tenant).first()
        public = config.public if config else {}
        initial = {
            "external_url": tenant.external_url, "type": config.type if config else "basic",
            "username": public.get("username", ""), "client_id": public.get("clientId", ""),
            "auth_url": public.get("authUrl", ""),
        }  # fmt: skip
        return OrderServiceForm(data, initial=initial)
