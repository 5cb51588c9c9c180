"""What is on record: happenings without a row of their own, and what people did."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from orders.admin.base import EvidenceAdmin
from orders.admin.find import page_of_order
from orders.channels import OrderKey
from orders.models import OperatorAction, TimelineEntry
from orders.templatetags.hub import page_of
from orders.words import ago, link


@admin.register(TimelineEntry)
class TimelineEntryAdmin(EvidenceAdmin):
    list_display = ("when", "road", "what", "customer_order_id", "tenant")
    list_filter = ("road", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("=customer_order_id", "=reference", "=correlation_id")
    search_help_text = "Order id, reference or correlation id, as they are written"
    fields = ("at", "road", "what", "detail", "tenant", "order_link", "correlation_id", "reference")
    readonly_fields = ("order_link",)

    @admin.display(description="when")
    def when(self, entry: TimelineEntry) -> SafeString | str:
        return ago(entry.at)

    @admin.display(description="order")
    def order_link(self, entry: TimelineEntry) -> SafeString | str:
        key = OrderKey(entry.tenant_id, entry.business_unit_id, entry.customer_order_id)
        return link(page_of_order(key), entry.customer_order_id)


@admin.register(OperatorAction)
class OperatorActionAdmin(EvidenceAdmin):
    """Retries, discards, pauses: who, when, to what, why and what came of it."""

    list_display = ("when", "who", "action", "subject_link", "reason", "outcome", "tenant")
    list_filter = ("action", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("=subject", "=customer_order_id", "=who")
    search_help_text = "event:…, delivery:…, an order id or a name, as they are written"
    fields = ("at", "who", "action", "subject_link", "reason", "outcome", "tenant", "customer_order_id")
    readonly_fields = ("subject_link",)

    @admin.display(description="when")
    def when(self, action: OperatorAction) -> SafeString | str:
        return ago(action.at)

    @admin.display(description="to what")
    def subject_link(self, action: OperatorAction) -> SafeString | str:
        page = page_of(action.subject)
        return link(page, action.subject) if page else action.subject
