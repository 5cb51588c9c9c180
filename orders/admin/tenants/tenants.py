"""Tenants: set up on the onboarding page or by a file, changed in a form, switched on pages that show the effect."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import action

from orders.admin.base import HistoryAdmin, bound_tenant
from orders.admin.confirmation import ConfirmsChanges, confirmed_by
from orders.admin.cutover import tenant_page as cutover_page
from orders.admin.onboarding.files import export_view, file_view
from orders.admin.onboarding.forms import TenantForm
from orders.admin.onboarding.guide import guide_view, start_view
from orders.admin.onboarding.switches import active_view, mode_view
from orders.models import ApiClient, Destination, Tenant
from orders.onboarding.admin_changes import change_tenant
from orders.onboarding.self_test.running import self_test
from orders.outbox.destination_labels import state_in_words
from orders.values.labels import ago, mark

SELF_TEST_EFFECT = (
    "Signs in, reads and searches as a client made for this test; sends a signed test event without an order to each "
    "supplier's webhook; writes a sample order for each warehouse without sending it and asks each whether it accepts "
    "the hub's login; reads from the tenant's own order service where orders are read through. No order is made. It "
    "takes a minute at most, and the report is kept with your name."
)


class _Glance(TabularInline):  # type: ignore[misc]  # unfold has no types
    """Rows that belong to the tenant, read-only, each with a link."""

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
class TenantAdmin(ConfirmsChanges, HistoryAdmin):
    """Never deleted. A tenant that is switched off keeps everything and continues when it is switched on."""

    form = TenantForm
    list_display = ("name", "slug", "mode", "state", "country", "changed")
    list_filter = ("mode", "active")
    search_fields = ("slug", "name")
    inlines = (ClientsOfTenant, DestinationsOfTenant)
    actions_list = ("onboarding_file",)
    actions_detail = ("onboard", "self_test", "switch_active", "switch_mode", "cutover", "export")
    fieldsets = (
        ("Who", {"fields": (("name", "slug"), ("country", "time_zone"), "active")}),
        (
            "Where orders come from",
            {"fields": ("mode", ("external_url", "proxy_timeout_seconds"), "status_map", "unknown_members")},
        ),
        ("Cut-over", {"fields": ("tells_from", "compared_per_minute")}),
        ("How it is served", {"fields": (("event_retry_schedule", "not_fetched_after_minutes"), "case_type")}),
    )

    @admin.display(description="state", ordering="active")
    def state(self, tenant: Tenant) -> SafeString:
        return mark("active", "ok") if tenant.active else mark("switched off", "waiting")

    @admin.display(description="last change", ordering="updated_at")
    def changed(self, tenant: Tenant) -> SafeString | str:
        return ago(tenant.updated_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The id stands in partners' addresses, so it stays; mode and active have pages that say what a switch does.

        The external URL is the word of those who run the hub that a private network may be reached there.
        """
        of_the_hub = ("external_url",) if bound_tenant(request) is not None else ()
        return ("slug", "active", "mode", *of_the_hub) if obj else ()

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        who = request.user.get_username()
        change_tenant(obj, form.changed_data, who=who, agree=confirmed_by(request, obj))

    def get_urls(self) -> list[URLPattern]:
        return [*cutover_page.urls(self), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return start_view(self, request)

    @action(description="Onboarding", url_path="onboard", permissions=["view"], icon="checklist")  # type: ignore[untyped-decorator]
    def onboard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return guide_view(self, request, self._tenant(request, object_id))

    @action(description="Self-test", url_path="self-test", permissions=["change"], icon="fact_check")  # type: ignore[untyped-decorator]
    def self_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET shows what it will do; POST does it and redirects to the report."""
        tenant = self._tenant(request, object_id)
        if not self.has_change_permission(request, tenant):
            raise PermissionDenied
        if request.method == "POST":
            run = self_test(tenant, who=request.user.get_username())
            return HttpResponseRedirect(reverse("admin:orders_selftest_change", args=(run.pk,)))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Test every connection of {tenant}",
            "effect": SELF_TEST_EFFECT,
            "button": "Run the self-test",
            "back": reverse("admin:orders_tenant_change", args=(tenant.pk,)),
        }
        return TemplateResponse(request, "admin/orders/confirm.html", context)

    @action(description="Switch on or off", url_path="switch", permissions=["change"], icon="power_settings_new")  # type: ignore[untyped-decorator]
    def switch_active(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return active_view(self, request, self._tenant(request, object_id))

    @action(description="Switch mode", url_path="mode", permissions=["change"], icon="swap_horiz")  # type: ignore[untyped-decorator]
    def switch_mode(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return mode_view(self, request, self._tenant(request, object_id))

    @action(description="Cut-over", url_path="moving", permissions=["view"], icon="sync_alt")  # type: ignore[untyped-decorator]
    def cutover(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return cutover_page.cutover_view(self, request, self._tenant(request, object_id))

    @action(description="Export as a file", url_path="export", permissions=["view"], icon="download")  # type: ignore[untyped-decorator]
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return export_view(self._tenant(request, object_id))

    @action(description="Apply an onboarding file", url_path="onboarding-file", permissions=["add"], icon="upload_file")  # type: ignore[untyped-decorator]
    def onboarding_file(self, request: HttpRequest) -> HttpResponse:
        return file_view(self, request)

    def _tenant(self, request: HttpRequest, object_id: str) -> Tenant:
        tenant = self.get_object(request, object_id)
        if not isinstance(tenant, Tenant) or not self.has_view_permission(request, tenant):
            raise PermissionDenied
        return tenant

    def get_inlines(self, request: HttpRequest, obj: Any) -> tuple[type[_Glance], ...]:
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
