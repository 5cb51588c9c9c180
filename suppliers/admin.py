"""Suppliers in the admin: settings can be changed, evidence is read-only, secrets are never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from orders.admin.base import EvidenceAdmin, HistoryAdmin
from suppliers.models import (
    Notice,
    OrderCase,
    PartDelivery,
    StockLevel,
    Supplier,
    SupplierEvent,
    SupplierPart,
    Webhook,
)


class PartDeliveryInline(TabularInline):  # type: ignore[misc]
    model = PartDelivery
    extra = 0
    can_delete = False
    fields = ("status", "carrier", "tracking_number", "tracking_url", "expected_date", "happened_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Supplier)
class SupplierAdmin(HistoryAdmin):
    """The order of suppliers decides whose a line is: the first with a matching pattern."""

    list_display = ("name", "slug", "tenant", "position", "item_patterns", "told_by", "active")
    list_filter = ("tenant", "active")
    search_fields = ("slug", "name", "tenant__slug")
    list_select_related = ("tenant", "webhook")
    fields = ("tenant", "slug", "name", "position", "item_patterns", "api_client", "active")
    readonly_fields = ("tenant", "slug", "api_client")

    @admin.display(description="told by")
    def told_by(self, supplier: Supplier) -> str:
        webhook = getattr(supplier, "webhook", None)
        return "asks itself (no webhook)" if webhook is None else webhook.url

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Suppliers are added by the onboarding file, which also makes their client and secrets."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Webhook)
class WebhookAdmin(HistoryAdmin, EvidenceAdmin):
    """Changed by the onboarding file, which also takes the secrets."""

    tenant_path = "supplier__tenant"
    list_display = ("supplier", "url", "events", "auth_type", "destination_state")
    list_filter = ("auth_type", "supplier__tenant")
    search_fields = ("url", "supplier__slug", "supplier__name")
    list_select_related = ("supplier", "destination")
    fields = ("supplier", "url", "events", "auth_type", "auth_config", "previous_secret_until", "destination_state")
    readonly_fields = fields

    @admin.display(description="state")
    def destination_state(self, webhook: Webhook) -> str:
        destination = webhook.destination
        return f"{destination.state}: {destination.state_reason}" if destination.state_reason else destination.state


class FetchFilter(admin.SimpleListFilter):
    """Delivered, but not fetched."""

    title = "fetch"
    parameter_name = "fetch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "told, not fetched")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(unfetched_since__isnull=False) if self.value() == "waiting" else queryset


@admin.register(SupplierPart)
class SupplierPartAdmin(EvidenceAdmin):
    list_display = ("token", "supplier", "customer_order_id", "business_unit_id", "told_at", "fetched_at", "status")
    list_filter = ("tenant", FetchFilter)
    search_fields = ("=order_token", "=customer_order_id")
    search_help_text = "Order token or customer order id"
    list_select_related = ("supplier",)
    exclude = ("owed_digest",)
    inlines = (PartDeliveryInline,)


@admin.register(Notice)
class NoticeAdmin(EvidenceAdmin):
    """What suppliers are owed, in the bytes they are told in."""

    tenant_path = "supplier__tenant"
    list_display = ("event_type", "supplier", "part", "sequence", "made_at")
    list_filter = ("supplier__tenant", "event_type")
    search_fields = ("=part__order_token", "=part__customer_order_id")
    list_select_related = ("supplier", "part")


@admin.register(SupplierEvent)
class SupplierEventAdmin(EvidenceAdmin):
    """What suppliers reported, as it came."""

    tenant_path = "supplier__tenant"
    list_display = ("event_type", "supplier", "part", "timestamp", "received_at")
    list_filter = ("supplier__tenant", "event_type")
    search_fields = ("=id", "=part__order_token", "=part__customer_order_id", "=correlation_id")
    list_select_related = ("supplier", "part")


@admin.register(StockLevel)
class StockLevelAdmin(EvidenceAdmin):
    tenant_path = "supplier__tenant"
    list_display = ("item_id", "supplier", "available", "expected_date", "happened_at")
    list_filter = ("supplier__tenant",)
    search_fields = ("=item_id", "supplier__slug")
    list_select_related = ("supplier",)


@admin.register(OrderCase)
class OrderCaseAdmin(EvidenceAdmin):
    """Cases minted for orders that came without one."""

    list_filter = ("tenant",)
    list_display = ("customer_order_id", "business_unit_id", "tenant", "uuid", "token")
    search_fields = ("=customer_order_id", "=uuid", "=token")
    list_select_related = ("tenant",)
