"""The fate of an accepted event as its sender may ask for it (contract: An event)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from orders.database.commit_order import settled
from orders.models import OrderEvent
from orders.values.instants import instant


def fates(events: Sequence[OrderEvent]) -> list[dict[str, Any]]:
    """The events as JSON, all members present; two queries however many they are (``queue`` must be loaded)."""
    heads = _heads({event.queue_id for event in events if event.status == OrderEvent.Status.PENDING})
    return [_fate(event, heads.get(event.queue_id)) for event in events]


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


def _fate(event: OrderEvent, head: tuple[int, UUID] | None) -> dict[str, Any]:
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
        "waitingBehind": str(behind) if behind else None,
        "supersededBy": str(event.superseded_by) if event.superseded_by else None,
        "correlationId": event.correlation_id,
    }


class Place(NamedTuple):
    """Where an event stands in the list: behind all that were committed before it."""

    transaction: int
    event_id: UUID


@dataclass(frozen=True, slots=True)
class Listing:
    """What the reconciling list is asked for."""

    customer_order_id: str | None = None
    business_unit_id: str | None = None
    status: str | None = None
    since: datetime | None = None
    after: Place | None = None


def listed(tenant_id: int, wanted: Listing, *, business_units: frozenset[str] | None = None) -> QuerySet[OrderEvent]:
    """The tenant's events, oldest first, restricted as wanted.

    An event whose transaction may have older ones still open is left out until those have ended: going on from any
    place in the list meets every event, however late it commits.
    """
    events = OrderEvent.objects.filter(tenant=tenant_id)
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
        events = events.filter(received_at__gte=wanted.since)
    if wanted.after is not None:
        at, event_id = wanted.after
        events = events.filter(transaction__gte=at).exclude(transaction=at, pk__lte=event_id)
    return settled(events).order_by("transaction", "pk").select_related("queue")


BEFORE_ALL = Place(0, UUID(int=0))
"""Where a reader of an empty list goes on."""
LAST_TRANSACTION = 2**63 - 1
"""The column's largest number."""
_CURSOR = struct.Struct(">Q16s")


def cursor_of(place: Place) -> str:
    """An opaque cursor of 32 characters: where to go on after this place."""
    return base64.urlsafe_b64encode(_CURSOR.pack(place.transaction, place.event_id.bytes)).decode()


def read_cursor(text: str) -> Place:
    """Raises ValueError, in words for the caller, for anything ``cursor_of`` did not write."""
    try:
        number, raw = _CURSOR.unpack(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True))
        return Place(min(number, LAST_TRANSACTION), UUID(bytes=raw))
    except (ValueError, UnicodeError, struct.error):
        raise ValueError("is not a cursor from an earlier answer's page.next") from None
