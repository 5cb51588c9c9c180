"""The status of an accepted event, as the API gives it to the sender (docs/reference/api.md#events)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from orders.database.commit_order import from_moment
from orders.models import OrderEvent
from orders.values.instants import instant


def event_statuses(events: Sequence[OrderEvent]) -> list[dict[str, Any]]:
    """The events as JSON objects with all members; two queries in all (the caller has loaded ``queue``)."""
    heads = _heads({event.queue_id for event in events if event.status == OrderEvent.Status.PENDING})
    return [_status_of(event, heads.get(event.queue_id)) for event in events]


def _heads(queue_ids: set[int]) -> dict[int, tuple[int, UUID]]:
    if not queue_ids:
        return {}
    pending = OrderEvent.objects.filter(
        queue__in=queue_ids, status=OrderEvent.Status.PENDING, sequence__gt=F("queue__done_sequence")
    )
    heads: dict[int, tuple[int, UUID]] = {}
    for queue_id, sequence, pk in pending.order_by("queue_id", "-sequence").values_list("queue_id", "sequence", "pk"):
        heads[queue_id] = (sequence, pk)
    return heads


def _status_of(event: OrderEvent, head: tuple[int, UUID] | None) -> dict[str, Any]:
    queue = event.queue
    pending = event.status == OrderEvent.Status.PENDING
    behind = head[1] if pending and head and head[0] < event.sequence else None
    next_attempt = queue.due_at if pending and behind is None and queue.lease is None else None
    return {
        "eventId": str(event.pk),
        "sequence": event.sequence,
        "customerOrderId": queue.customer_order_id,
        "businessUnitId": queue.business_unit_id,
        "status": event.status,
        "changed": event.changed,
        "attempts": event.attempts,
        "receivedAt": instant(event.received_at),
        "nextAttemptAt": instant(next_attempt),
        "finishedAt": instant(event.finished_at),
        "error": event.error or None,
        "warnings": json.loads(event.warnings) if event.warnings else [],
        "waitingBehind": str(behind) if behind else None,
        "supersededBy": str(event.superseded_by) if event.superseded_by else None,
        "correlationId": event.correlation_id,
    }


@dataclass(frozen=True, slots=True)
class Listing:
    """The filters of the list of events; None: not filtered."""

    customer_order_id: str | None = None
    business_unit_id: str | None = None
    status: str | None = None
    since: datetime | None = None


def listed(tenant_id: int, wanted: Listing, *, business_units: frozenset[str] | None = None) -> QuerySet[OrderEvent]:
    """The tenant's events that match the filters; ``orders.database.commit_order`` pages them."""
    events: QuerySet[OrderEvent] = OrderEvent.objects.filter(tenant=tenant_id)
    if wanted.status == OrderEvent.Status.PENDING:
        events = OrderEvent.objects.pending().filter(tenant=tenant_id)
    if wanted.status:
        events = events.filter(status=wanted.status)
    if wanted.customer_order_id is not None:
        events = events.filter(queue__tenant=tenant_id, queue__customer_order_id=wanted.customer_order_id)
    if wanted.business_unit_id is not None:
        events = events.filter(queue__business_unit_id=wanted.business_unit_id)
    if business_units is not None:
        events = events.filter(queue__business_unit_id__in=business_units)
    if wanted.since is not None:
        events = from_moment(events, wanted.since, column="received_at")
    return events.select_related("queue")
