"""Orders and the events they were made of: evidence, with the verbs for what is dead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from orders.admin.base import EvidenceAdmin
from orders.admin.dead_letters.verbs import ORDERS_WAITING, DeadLetterAdmin, StatusFilter, Verbs
from orders.admin.masking import DOCUMENT, TEXT, masker_for
from orders.admin.orders import find
from orders.admin.orders.erasure import ErasingAdmin
from orders.dead_letters import dead_events
from orders.documents import load
from orders.integrations import integrations
from orders.masking.documents import Masker
from orders.models import Order, OrderEvent, OrderQueue
from orders.onboarding.shared_items import warnings
from orders.timeline import masked, timeline_of
from orders.values.labels import ago, link, mark, preformatted
from orders.values.order_key import OrderKey


@admin.register(Order)
class OrderAdmin(ErasingAdmin, EvidenceAdmin):
    """The document and the timeline of one order."""

    empty_words = "Orders appear when a tenant sends its first one. Orders that are read through are not stored."
    list_display = ("customer_order_id", "tenant", "business_unit_id", "status", "customer_id", "changed")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)
    long_texts = ("document",)
    personal = {"document": DOCUMENT}
    search_fields = ("=customer_order_id", "=customer_id")
    search_help_text = "Exact order id or customer id"
    actions = ("erase_customers",)
    fields = ("customer_order_id",)
    change_form_template = "admin/orders/order/change_form.html"

    @admin.display(description="last change")
    def changed(self, order: Order) -> SafeString | str:
        return ago(order.updated_at)

    def get_urls(self) -> list[URLPattern]:
        views = [
            path("find/", self.admin_site.admin_view(self.find), name="orders_order_find"),
            path("story/", self.admin_site.admin_view(self.timeline), name="orders_order_timeline"),
            path("part/", self.admin_site.admin_view(self.part), name="orders_order_part"),
        ]
        return views + list(super().get_urls())

    def find(self, request: HttpRequest) -> HttpResponse:
        return find.find_view(self, request)

    def timeline(self, request: HttpRequest) -> HttpResponse:
        return find.timeline_view(self, request)

    def part(self, request: HttpRequest) -> HttpResponse:
        return find.part_view(self.admin_site, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        shown = _shown(order, masker_for(request, order.key)) if order else {}
        response: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})
        return response


def _shown(order: Order, masker: Masker) -> dict[str, Any]:
    """The timeline, the document, and links and warnings of integrations."""
    items = [item["itemId"] for item in load(order.document)["items"]]
    return {
        "timeline": masked(timeline_of(order.key), masker.text),
        "document": order.document,
        "links": [link for one in integrations() for link in one.order_links(order.key)],
        "warnings": warnings(order.key, items),
    }


class EventStatusFilter(StatusFilter):
    """With a choice for dead events that a newer one has overtaken: a retry marks them superseded."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*super().lookups(request, model_admin), ("overtaken", "dead, overtaken by a newer event")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "overtaken":
            return queryset.filter(status=OrderEvent.Status.DEAD, newest__gt=F("sequence"))
        return super().queryset(request, queryset)


@admin.register(OrderEvent)
class OrderEventAdmin(DeadLetterAdmin, EvidenceAdmin):
    verbs = Verbs(dead_events.preview, dead_events.retry, dead_events.discard)
    subject = "event"
    effects = {
        "retry": "Each ticked event gets a new retry schedule and is applied. One that a newer event of its order has "
        "overtaken is marked superseded instead. The required deliveries are then sent to suppliers and warehouses.",
        "discard": "The ticked events are discarded and never applied. Nothing is sent. This cannot be undone, but the "
        "sender can send the order again.",
    }
    empty_words = (
        "An event appears for every order that a tenant sends. Its onboarding page has a curl line that sends one."
    )
    list_display = ("order_id", "sequence", "tenant", "state", "attempts", "why", "received")
    list_filter = (EventStatusFilter, "tenant")
    linked_lookups = ("id__gte",)
    list_select_related = ("queue", "tenant")
    long_texts = ("payload",)
    personal = {"payload": DOCUMENT, "error": TEXT, "owes": TEXT, "warnings": TEXT}
    search_fields = ("=id", "=queue__customer_order_id")
    search_help_text = "Exact event id or order id"
    actions = ("retry_dead", "discard_dead")
    actions_detail = ("retry_one", "discard_one")
    fields = (
        ("order_link", "sequence"),
        ("tenant", "state"),
        ("received", "finished"),
        ("attempts", "what_it_changed"),
        "error",
        "warnings_lines",
        "superseded_by_link",
        ("client", "correlation_id"),
        "body",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the sequence last applied to the event's order."""
        newest = Order.objects.filter(pk=OuterRef("queue")).values("applied_sequence")
        rows: QuerySet[Any] = super().get_queryset(request).annotate(newest=Subquery(newest))
        return rows

    def pending(self, rows: QuerySet[OrderEvent], tenant_id: int | None) -> QuerySet[OrderEvent]:
        due = OrderQueue.objects.filter(due_at__isnull=False, **({} if tenant_id is None else {"tenant": tenant_id}))
        longest = list(due.order_by("due_at").values_list("pk", flat=True)[:ORDERS_WAITING])
        waiting = OrderEvent.objects.filter(
            queue__in=longest, sequence__gt=F("queue__done_sequence"), status=OrderEvent.Status.PENDING
        )
        return rows.filter(pk__in=waiting.values("pk"))

    def order_keys(self, rows: Sequence[OrderEvent]) -> list[OrderKey]:
        return [event.queue.key for event in rows]

    def about(self, event: OrderEvent) -> str:
        return f"event {event.sequence} of order {event.queue.customer_order_id} ({event.tenant.name})"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (
            "order_link",
            "state",
            "received",
            "finished",
            "what_it_changed",
            "superseded_by_link",
            "body",
            "warnings_lines",
        )

    @admin.display(description="order")
    def order_id(self, event: OrderEvent) -> str:
        return event.queue.customer_order_id

    @admin.display(description="order")
    def order_link(self, event: OrderEvent) -> SafeString | str:
        return link(find.page_of_order(event.queue.key), event.queue.customer_order_id)

    @admin.display(description="status")
    def state(self, event: Any) -> SafeString:
        dead_for_good = event.status == OrderEvent.Status.DEAD and (event.newest or 0) > event.sequence
        return mark("dead, overtaken", "plain") if dead_for_good else mark(event.status)

    @admin.display(description="last failure")
    def why(self, event: OrderEvent) -> str:
        return Truncator(event.error).chars(80) if event.error else "-"

    @admin.display(description="received")
    def received(self, event: OrderEvent) -> SafeString | str:
        return ago(event.received_at)

    @admin.display(description="finished")
    def finished(self, event: OrderEvent) -> SafeString | str:
        return ago(event.finished_at)

    @admin.display(description="changed")
    def what_it_changed(self, event: OrderEvent) -> str:
        if event.changed is None:
            return "not applied"
        return "the order" if event.changed else "nothing, the order was the same already"

    @admin.display(description="warnings")
    def warnings_lines(self, event: OrderEvent) -> str:
        try:
            found = json.loads(event.warnings or "[]")
            return "\n".join(f"{one['pointer']}: {one['detail']}" for one in found) or "-"
        except (ValueError, TypeError, KeyError):
            return event.warnings

    @admin.display(description="superseded by")
    def superseded_by_link(self, event: OrderEvent) -> SafeString | str:
        if event.superseded_by is None:
            return "-"
        return link(reverse("admin:orders_orderevent_change", args=(event.superseded_by,)), str(event.superseded_by))

    @admin.display(description="as received")
    def body(self, event: OrderEvent) -> SafeString:
        return preformatted(event.payload)
