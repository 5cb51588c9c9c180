"""Everything that is stored of one order, read in ten queries however long its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min

from orders.database.clock import DatabaseClock
from orders.models import (
    Delivery,
    DeliveryAttempt,
    Destination,
    Lane,
    OperatorAction,
    OrderEvent,
    OrderQueue,
    TimelineEntry,
)
from orders.outbox.destination_labels import channel_label
from orders.values.order_key import OrderKey


@dataclass(frozen=True, slots=True)
class Tries:
    """All attempts of one delivery together."""

    count: int
    first_at: datetime
    last: DeliveryAttempt


@dataclass(frozen=True, slots=True)
class Rows:
    """Events, deliveries, entries and actions come newest first and may be cut."""

    key: OrderKey
    now: datetime
    queue: OrderQueue | None
    events: Sequence[OrderEvent]
    lanes: dict[int, Lane]
    deliveries: Sequence[Delivery]
    tries: dict[UUID, Tries]
    destinations: dict[int, Destination]
    entries: Sequence[TimelineEntry]
    actions: Sequence[OperatorAction]

    def channel(self, destination_id: int) -> str:
        """``supplier``, ``warehouse`` or another channel's name; empty for a destination that is gone."""
        destination = self.destinations.get(destination_id)
        return "" if destination is None else channel_label(destination)

    def name(self, destination_id: int) -> str:
        """``beans``; a destination that is gone is named by its number."""
        destination = self.destinations.get(destination_id)
        return f"destination {destination_id}" if destination is None else destination.name

    def whom(self, destination_id: int) -> str:
        """``supplier beans``"""
        return f"{self.channel(destination_id)} {self.name(destination_id)}".strip()


def load(key: OrderKey, *, most: int) -> Rows:
    """The rows of one order, at most ``most`` of each kind. Payloads stay in the database."""
    place = key._asdict()
    queue = OrderQueue.objects.filter(**place).first()
    events = [] if queue is None else list(queue.events.defer("payload").order_by("-sequence")[:most])
    lanes = Lane.objects.filter(**place).in_bulk()
    sent = Delivery.objects.filter(lane__in=list(lanes)).defer("payload").order_by("-pk")
    deliveries = list(sent[:most]) if lanes else []
    return Rows(
        key=key,
        now=DatabaseClock().now(),
        queue=queue,
        events=events,
        lanes=lanes,
        deliveries=deliveries,
        tries=_tries([delivery.pk for delivery in deliveries]),
        destinations=Destination.objects.filter(tenant=key.tenant_id).select_related("tenant").in_bulk(),
        entries=list(TimelineEntry.objects.filter(**place).order_by("-at", "-pk")[:most]),
        actions=list(OperatorAction.objects.filter(**place).order_by("-at", "-pk")[:most]),
    )


def _tries(delivery_ids: Sequence[UUID]) -> dict[UUID, Tries]:
    if not delivery_ids:
        return {}
    folded = (
        DeliveryAttempt.objects.filter(delivery__in=delivery_ids)
        .order_by()
        .values_list("delivery")
        .annotate(Count("pk"), Min("started_at"), Max("pk"))
    )
    rows = list(folded)
    last = DeliveryAttempt.objects.in_bulk([row[3] for row in rows])
    return {row[0]: Tries(count=row[1], first_at=row[2], last=last[row[3]]) for row in rows}
