"""``manage.py events …``: what became of received events, and the dead-letter queue by hand (orders.replays)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from orders import replays
from orders.fates import fates
from orders.management.dead_letters import DISCARD, PREVIEW, RETRY, DeadLetterCommand, Line
from orders.models import OrderEvent


class Command(DeadLetterCommand):
    help = (
        "List order events, or preview, retry and discard dead ones. One line each: eventId, sequence, outcome, "
        "supersededBy, detail. Exit 0 done, 1 some refused, 2 wrong use."
    )
    noun, nouns, id_name = "event", "events", "eventId"
    statuses = OrderEvent.Status.values
    verbs = {PREVIEW: replays.preview, RETRY: replays.retry, DISCARD: replays.discard}
    refusals = (replays.NotDead, replays.QueueBusy)

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = OrderEvent.objects.select_related("queue", "tenant").defer("payload")
        return rows

    def chosen(self, rows: QuerySet[Any], options: Mapping[str, Any]) -> QuerySet[Any]:
        if options["order"] is not None:
            rows = rows.filter(queue__customer_order_id=options["order"])
        if options["since"] is not None:
            rows = rows.filter(received_at__gte=options["since"])
        return rows

    def listed(self, rows: list[Any]) -> Iterator[Line]:
        for event, fate in zip(rows, fates(rows), strict=True):
            waits = f"waiting behind {fate['waitingBehind']}" if fate["waitingBehind"] else ""
            about = f"order {fate['customerOrderId']} of {event.tenant.slug}, {fate['businessUnitId']}"
            detail = "; ".join(part for part in (about, fate["error"], waits) if part)
            yield Line(fate["eventId"], event.sequence, event.status, fate["supersededBy"], detail)
