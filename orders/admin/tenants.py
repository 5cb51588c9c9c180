"""Tenants: set up in a form that says what is wrong in the words of the onboarding file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from orders.admin.base import HistoryAdmin
from orders.admin.fields import PairsField, SecondsField, TextField
from orders.clock import DatabaseClock
from orders.migration.switching import telling_after
from orders.models import ApiClient, Destination, Tenant
from orders.onboarding.fields import HttpUrl, Schedule
from orders.onboarding.model import Code
from orders.words import mark, state_in_words


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    external_url = TextField(
        annotation=HttpUrl,
        required=False,
        label="External URL",
        help_text="The address of the tenant's own order service. Needed in proxy and migrating mode.",
    )
    status_map = PairsField(
        annotation=dict[Code, Code],
        required=False,
        label="Status words",
        help_text="The tenant's words and ours, one pair per line: NEW = CREATED",
    )
    event_retry_schedule = SecondsField(
        annotation=Schedule,
        required=False,
        label="Retry schedule of events",
        help_text="Seconds before each retry: 1, 5, 30. Empty: the hub's own schedule.",
    )

    class Meta:
        model = Tenant
        fields = (
            "slug", "name", "active", "mode", "country", "time_zone", "external_url", "proxy_timeout_seconds",
            "status_map", "case_type", "event_retry_schedule", "not_fetched_after_minutes", "tells_from",
        )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        reads_through = values.get("mode") in (Tenant.Mode.PROXY, Tenant.Mode.MIGRATING)
        if reads_through and not values.get("external_url") and "external_url" not in self.errors:
            self.add_error("external_url", f"Write the tenant's address: in {values['mode']} mode orders come from it.")
        return values


class _Glance(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Rows that belong to the tenant, to look at and to open."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ClientsOfTenant(_Glance):
    model = ApiClient
    fields = ("kind", "active", "may")
    readonly_fields = fields
    verbose_name_plural = "API clients"

    @admin.display(description="may")
    def may(self, client: ApiClient) -> str:
        return ", ".join(client.scopes) or "nothing"


class DestinationsOfTenant(_Glance):
    model = Destination
    fields = ("channel", "state_words")
    readonly_fields = fields
    verbose_name_plural = "Destinations: suppliers' webhooks and OrderFlow channels"

    @admin.display(description="state")
    def state_words(self, destination: Destination) -> str:
        return state_in_words(destination)


@admin.register(Tenant)
class TenantAdmin(HistoryAdmin):
    """Never deleted: switched off, a tenant keeps everything and goes on where it stood."""

    form = TenantForm
    list_display = ("name", "slug", "mode", "state", "country", "updated_at")
    list_filter = ("mode", "active")
    search_fields = ("slug", "name")
    inlines = (ClientsOfTenant, DestinationsOfTenant)
    fieldsets = (
        ("Who", {"fields": (("name", "slug"), ("country", "time_zone"), "active")}),
        ("Where orders come from", {"fields": ("mode", ("external_url", "proxy_timeout_seconds"), "status_map")}),
        ("Who is told while orders move to the hub", {"fields": ("tells_from",)}),
        ("How it is served", {"fields": (("event_retry_schedule", "not_fetched_after_minutes"), "case_type")}),
    )

    @admin.display(description="state", ordering="active")
    def state(self, tenant: Tenant) -> SafeString:
        return mark("active", "moving") if tenant.active else mark("switched off", "waiting")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The id stands in partners' addresses, so it stays."""
        return ("slug",) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[type[_Glance], ...]:
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """A changed mode changes who is told, unless the moment was chosen in the same form."""
        if change and "mode" in form.changed_data and "tells_from" not in form.changed_data:
            obj.tells_from = telling_after(obj, before=form.initial["mode"], now=DatabaseClock().now())
        super().save_model(request, obj, form, change)
