"""API clients: made and changed through ``orders.access.clients``; a secret is shown once, when it is made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from orders.access.clients import ROTATION_OVERLAP, ClientEntry, rotate_secret
from orders.admin.base import HistoryAdmin
from orders.admin.confirmation import ConfirmsChanges, confirmed_by
from orders.admin.fields import KeysField, LinesField, TextField
from orders.models import ApiClient
from orders.onboarding.admin_changes import change_client
from orders.onboarding.fields import BusinessUnits, ClientId, PublicKey
from orders.onboarding.files import unasked
from orders.values.labels import ago, mark


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    client_id = TextField(annotation=ClientId, label="Client id", help_text="Unique over all tenants.")
    scopes = forms.MultipleChoiceField(
        widget=UnfoldAdminCheckboxSelectMultipleWidget, label="May", error_messages={"required": "Tick at least one."}
    )
    business_units = LinesField(
        annotation=BusinessUnits,
        required=False,
        label="Business units",
        help_text="One per line. Empty: all business units.",
    )
    public_keys = KeysField(
        annotation=list[PublicKey],
        required=False,
        label="Public keys",
        help_text="PEM, for clients that sign in with private_key_jwt; several while one is rotated.",
    )

    class Meta:
        model = ApiClient
        fields = ("tenant", "client_id", "active", "scopes", "business_units", "public_keys")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.client_type = ApiClient.CLIENT_CONFIDENTIAL
            self.instance.authorization_grant_type = ApiClient.GRANT_CLIENT_CREDENTIALS
        if "scopes" in self.fields:
            known = self.instance.known_scopes
            self.fields["scopes"].choices = [(name, f"{name}: {does}") for name, does in known.items()]  # type: ignore[attr-defined]


@admin.register(ApiClient)
class ApiClientAdmin(ConfirmsChanges, HistoryAdmin):
    """A supplier's client is made with its supplier, in the onboarding file; here it can be changed and rotated."""

    form = ClientForm
    list_display = ("client_id", "tenant", "kind", "state", "may", "units")
    list_filter = ("tenant", "kind", "active")
    list_select_related = ("tenant",)
    search_fields = ("client_id", "tenant__slug", "tenant__name")
    actions_detail = ("rotate",)
    fields = (("tenant", "client_id"), "active", "scopes", "business_units", "public_keys")

    @admin.display(description="state", ordering="active")
    def state(self, client: ApiClient) -> SafeString:
        return mark("active", "ok") if client.active else mark("switched off", "waiting")

    @admin.display(description="may")
    def may(self, client: ApiClient) -> str:
        return ", ".join(client.scopes) or "nothing"

    @admin.display(description="business units")
    def units(self, client: ApiClient) -> str:
        return "all" if client.business_units is None else ", ".join(client.business_units)

    @admin.display(description="secret before the last one")
    def old_secret(self, client: ApiClient) -> SafeString | str:
        return ago(client.previous_secret_until) if client.previous_client_secret else "none"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("tenant", "client_id", "old_secret") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        return (*self.fields, "old_secret") if obj else self.fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        entry = ClientEntry(
            client_id=obj.client_id,
            scopes=form.cleaned_data["scopes"],
            business_units=form.cleaned_data["business_units"],
            public_keys=form.cleaned_data["public_keys"],
            active=obj.active,
            kind=obj.kind,
        )
        who, agree = request.user.get_username(), confirmed_by(request, obj.tenant) if change else unasked
        saved = change_client(obj.tenant, entry, who=who, adding=not change, agree=agree)
        obj.pk, obj.made_secret = saved.client.pk, saved.made_secret

    def response_add(self, request: HttpRequest, obj: ApiClient, post_url_continue: str | None = None) -> HttpResponse:
        return self._shown_once(request, obj, obj.made_secret)

    @action(description="Rotate secret", url_path="rotate-secret", permissions=["change"], icon="key")  # type: ignore[untyped-decorator]
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self.get_object(request, object_id)
        if client is None or not self.has_change_permission(request, client):
            raise PermissionDenied
        if request.method == "POST":
            secret = rotate_secret(client)
            self.log_change(request, client, "Rotated the secret.")
            return self._shown_once(request, client, secret)
        hours = round(ROTATION_OVERLAP.total_seconds() / 3600)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rotate the secret of {client}",
            "effect": f"A new secret is made and shown once. The present one stays good for {hours} hours, so that the "
            "client can change over without a gap; a secret rotated before that stops at once.",
            "button": "Make a new secret",
            "back": reverse("admin:orders_apiclient_change", args=(client.pk,)),
        }
        return TemplateResponse(request, "admin/orders/confirm.html", context)

    def _shown_once(self, request: HttpRequest, client: ApiClient, secret: str) -> HttpResponse:
        """Rendered into this one answer: in a redirect's message the secret would lie in a cookie."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Secret of {client}",
            "client": client,
            "secret": secret,
            "token_url": f"{settings.HUB_PUBLIC_URL.rstrip('/')}/oauth2/token",
            "back": reverse("admin:orders_apiclient_change", args=(client.pk,)),
        }
        response = TemplateResponse(request, "admin/orders/secret_once.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response
