"""The record: timeline entries without a row of their own, and operator actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from orders.admin.base import EvidenceAdmin
from orders.admin.masking import TEXT
from orders.admin.orders.find import page_of_order
from orders.models import Destination, OperatorAction, TimelineEntry, UnknownContent
from orders.templatetags.hub import ICONS, page_of
from orders.values.labels import ago, link
from orders.values.order_key import OrderKey


class SourceFilter(admin.SimpleListFilter):
    """By source, from the fixed list: a query for the distinct ones would read the whole table."""

    title = "source"
    parameter_name = "road"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(source, source) for source in ICONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(road=self.value()) if self.value() in ICONS else queryset


@admin.register(TimelineEntry)
class TimelineEntryAdmin(EvidenceAdmin):
    personal = {"what": TEXT, "detail": TEXT}
    list_display = ("when", "source", "what", "customer_order_id", "tenant")
    list_filter = (SourceFilter, "tenant")
    list_select_related = ("tenant",)
    search_fields = ("=customer_order_id", "=reference", "=correlation_id")
    search_help_text = "Exact order id, reference or correlation id"
    fields = ("at", "source", "what", "detail", "tenant", "order_link", "correlation_id", "reference")
    readonly_fields = ("source", "order_link")

    def order_keys(self, rows: Sequence[TimelineEntry]) -> list[OrderKey | None]:
        return [key_of(row) for row in rows]

    @admin.display(description="when")
    def when(self, entry: TimelineEntry) -> SafeString | str:
        return ago(entry.at)

    @admin.display(description="source", ordering="road")
    def source(self, entry: TimelineEntry) -> str:
        return entry.road

    @admin.display(description="order")
    def order_link(self, entry: TimelineEntry) -> SafeString | str:
        key = OrderKey(entry.tenant_id, entry.business_unit_id, entry.customer_order_id)
        return link(page_of_order(key), entry.customer_order_id)


@admin.register(UnknownContent)
class UnknownContentAdmin(EvidenceAdmin):
    empty_words = "A row appears for each member or status word in a tenant's orders that the hub does not know."
    list_display = ("tenant", "kind", "name", "count", "first_seen_at", "last_seen_at")
    list_filter = ("kind", "tenant")
    search_fields = ("tenant__slug", "name")
    list_select_related = ("tenant",)
    ordering = ("-last_seen_at",)


@admin.register(OperatorAction)
class OperatorActionAdmin(EvidenceAdmin):
    """Retries, discards, pauses: who, when, to what, why and what came of it."""

    personal = {"reason": TEXT}
    empty_words = "Nobody retried, discarded, paused or switched anything yet."
    list_display = ("when", "who", "action", "subject_link", "reason", "outcome", "tenant")
    list_filter = ("action", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("=subject", "=customer_order_id", "=who")
    search_help_text = "event:…, delivery:…, an exact order id or login name"
    fields = ("at", "who", "action", "subject_link", "reason", "outcome", "tenant", "customer_order_id")
    readonly_fields = ("subject_link",)

    def order_keys(self, rows: Sequence[OperatorAction]) -> list[OrderKey | None]:
        return [key_of(row) for row in rows]

    def covered(self, request: HttpRequest, rows: Sequence[Any]) -> Sequence[Any]:
        """With the names of their destinations, read in one query."""
        ids = {row.pk: int(pk) for row in rows if (pk := row.subject.removeprefix("destination:")).isdecimal()}
        named = Destination.objects.select_related("tenant").in_bulk(ids.values()) if ids else {}
        for row in rows:
            row.destination = str(named.get(ids.get(row.pk, 0), ""))
        return super().covered(request, rows)

    @admin.display(description="when")
    def when(self, action: OperatorAction) -> SafeString | str:
        return ago(action.at)

    @admin.display(description="to what")
    def subject_link(self, action: OperatorAction) -> SafeString | str:
        page, words = page_of(action.subject), _in_words(action, getattr(action, "destination", ""))
        return link(page, words) if page else words


def _in_words(action: OperatorAction, destination: str) -> str:
    """``event of order 1001``, ``order 1001``, ``customer c-1``, ``destination acme/supplier/beans``."""
    kind, _, name = action.subject.partition(":")
    if kind == "destination":
        return f"destination {destination or name}"
    if kind == "tenant" and action.tenant:
        return f"tenant {action.tenant.name}"
    if not action.customer_order_id:
        return f"{kind} {name}"
    of = f"order {action.customer_order_id}"
    return of if kind == "order" else f"{kind} of {of}"


def key_of(row: TimelineEntry | OperatorAction) -> OrderKey | None:
    """The order that a record is about; None for one about a destination."""
    if not row.customer_order_id:
        return None
    return OrderKey(row.tenant_id, row.business_unit_id, row.customer_order_id)
