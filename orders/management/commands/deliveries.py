"""``manage.py deliveries …``: pending deliveries, and dead ones by hand (orders.dead_letters.dead_deliveries)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from orders.dead_letters import dead_deliveries
from orders.management.dead_letters import DISCARD, PREVIEW, RETRY, DeadLetterCommand, ListedRow
from orders.models import Delivery


class Command(DeadLetterCommand):
    help = (
        "List deliveries (webhooks, imports), or preview, retry and discard dead ones. One line each: deliveryId, "
        "sequence, outcome, supersededBy, detail. Exit 0 done, 1 some refused, 2 wrong use."
    )
    noun, nouns, id_name = "delivery", "deliveries", "deliveryId"
    statuses = Delivery.Status.values
    verbs = {PREVIEW: dead_deliveries.preview, RETRY: dead_deliveries.retry, DISCARD: dead_deliveries.discard}

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--destination", metavar="NAME", help="id of the supplier or OrderFlow channel")

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = Delivery.objects.select_related("lane", "destination__tenant").defer("payload")
        return rows

    def chosen(self, rows: QuerySet[Any], options: Mapping[str, Any]) -> QuerySet[Any]:
        if options["order"] is not None:
            rows = rows.filter(lane__customer_order_id=options["order"])
        if options["since"] is not None:
            rows = rows.filter(created_at__gte=options["since"])
        if options["destination"] is not None:
            rows = rows.filter(destination__name=options["destination"])
        return rows

    def listed(self, rows: list[Any]) -> Iterator[ListedRow]:
        for delivery in rows:
            lane = delivery.lane
            order = f"{delivery.kind} of order {lane.customer_order_id}" if lane.customer_order_id else ""
            about = f"{order or lane.key.replace(':', ' ', 1)} to {delivery.destination}"
            newer = str(delivery.superseded_by) if delivery.superseded_by else None
            detail = "; ".join(part for part in (about, delivery.error) if part)
            yield ListedRow(str(delivery.pk), delivery.sequence, delivery.status, newer, detail)
