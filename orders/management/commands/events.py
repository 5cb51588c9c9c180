"""``manage.py events …``: the status of received events, and dead ones by hand (orders.dead_letters.dead_events)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from orders.dead_letters import dead_events
from orders.inbox.event_status import event_statuses
from orders.management.dead_letters import DISCARD, PREVIEW, RETRY, DeadLetterCommand, ListedRow
from orders.management.load import command as loading
from orders.models import OrderEvent

LOAD = "load"


class Command(DeadLetterCommand):
    help = (
        "List order events, or preview, retry and discard dead ones. One line each: eventId, sequence, outcome, "
        "supersededBy, detail. Or load a file of orders through the API. Exit 0 done, 1 some refused, 2 wrong use."
    )
    noun, nouns, id_name = "event", "events", "eventId"
    statuses = OrderEvent.Status.values
    verbs = {PREVIEW: dead_events.preview, RETRY: dead_events.retry, DISCARD: dead_events.discard}
    other_verbs = (LOAD,)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        words = "only dead events that a newer one has overtaken; retry sets them all aside"
        parser.add_argument("--overtaken", action="store_const", const=True, help=words)
        loading.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == LOAD:
            loading.Loading(options, self.stdout, self.stderr).run()
        else:
            super().handle(*args, **options)

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = OrderEvent.objects.select_related("queue", "tenant").defer("payload")
        return rows

    def chosen(self, rows: QuerySet[Any], options: Mapping[str, Any]) -> QuerySet[Any]:
        if options["order"] is not None:
            rows = rows.filter(queue__customer_order_id=options["order"])
        if options["since"] is not None:
            rows = rows.filter(received_at__gte=options["since"])
        if options["overtaken"]:
            rows = rows.filter(pk__in=OrderEvent.objects.dead().overtaken().values("pk"))
        return rows

    def listed(self, rows: list[Any]) -> Iterator[ListedRow]:
        dead = OrderEvent.objects.dead().overtaken().filter(pk__in=[event.pk for event in rows])
        overtaken = dict(dead.values_list("pk", "queue__order__applied_sequence"))
        for event, fate in zip(rows, event_statuses(rows), strict=True):
            waits = f"waiting behind {fate['waitingBehind']}" if fate["waitingBehind"] else ""
            about = f"order {fate['customerOrderId']} of {event.tenant.slug}, {fate['businessUnitId']}"
            newer = f"overtaken: event {overtaken[event.pk]} is applied already" if event.pk in overtaken else ""
            detail = "; ".join(part for part in (about, newer, fate["error"], waits) if part)
            yield ListedRow(fate["eventId"], event.sequence, event.status, fate["supersededBy"], detail)
