"""Add deliveries to the lane of (destination, order), in the transaction that requires them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Subquery

from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.integrations.channels import Change, RequiredDelivery
from orders.models import Delivery, Lane
from orders.values.lane_name import LaneName
from orders.values.order_key import OrderKey


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to add: its lane, what is sent, and the event that required it."""

    tenant_id: int
    lane_key: str
    required: RequiredDelivery
    business_unit_id: str = ""
    customer_order_id: str = ""
    event_id: uuid.UUID | None = None
    sequence: int = 0
    correlation_id: str = ""


class _Lane(NamedTuple):
    id: int
    last_position: int
    done_position: int
    leased: bool


def new_delivery(change: Change, queue_id: int, required: RequiredDelivery) -> NewDelivery:
    """The delivery that an applied event requires, for the order's lane of that destination."""
    key: OrderKey = change.key
    return NewDelivery(
        tenant_id=key.tenant_id,
        lane_key=f"order:{queue_id}",
        required=required,
        business_unit_id=key.business_unit_id,
        customer_order_id=key.customer_order_id,
        event_id=change.event_id,
        sequence=change.sequence,
        correlation_id=change.correlation_id,
    )


def add_deliveries(new: Sequence[NewDelivery]) -> list[Delivery]:
    """Store deliveries in the caller's transaction, in the given order within each lane.

    Locks the lanes it adds to, sorted by destination id and key, until the transaction ends.
    """
    if not new:
        return []
    lanes = _reserve(new)
    taken: Counter[tuple[int, str]] = Counter()
    totals = Counter((one.required.destination_id, one.lane_key) for one in new)
    made = []
    for one in new:
        name = (one.required.destination_id, one.lane_key)
        lane = lanes[name]
        taken[name] += 1
        position = lane.last_position - totals[name] + taken[name]
        made.append(_delivery(one, lane.id, position))
        if one.required.supersedes_unsent:
            _supersede_unsent(lane, made)
    Delivery.objects.bulk_create(made)
    return made


def hold_lanes(lanes: Iterable[LaneName]) -> None:
    """Lock lanes that belong to no order, before the rows they are about; creates missing ones."""
    rows = [(destination, key, tenant, "", "", 0, 0, None, 0) for destination, key, tenant in sorted(set(lanes))]
    _RESERVED.fetch(_HOLD, rows)


def _delivery(new: NewDelivery, lane_id: int, position: int) -> Delivery:
    return Delivery(
        lane_id=lane_id,
        destination_id=new.required.destination_id,
        tenant_id=new.tenant_id,
        position=position,
        kind=new.required.kind,
        payload=new.required.payload,
        reference=new.required.reference,
        event_id=new.event_id,
        sequence=new.sequence,
        correlation_id=new.correlation_id,
        replaces_unsent=new.required.supersedes_unsent,
    )


_RESERVE = """
    INSERT INTO orders_lane AS lane
        (destination_id, key, tenant_id, business_unit_id, customer_order_id, last_position, done_position, due_at,
         losses)
    {rows}
    ON CONFLICT (destination_id, key) DO UPDATE
    SET last_position = lane.last_position + excluded.last_position,
        due_at = CASE WHEN lane.held_by IS NULL THEN coalesce(lane.due_at, excluded.due_at) END
    RETURNING destination_id, key, id, last_position, done_position, lease
"""
_HOLD = """
    INSERT INTO orders_lane AS lane
        (destination_id, key, tenant_id, business_unit_id, customer_order_id, last_position, done_position, due_at,
         losses)
    {rows}
    ON CONFLICT (destination_id, key) DO UPDATE SET last_position = lane.last_position
    RETURNING id
"""
_RESERVED = Columns(
    Lane, "destination", "key", "tenant", "business_unit_id", "customer_order_id", "last_position", "done_position",
    "due_at", "losses",
)  # fmt: skip


def _reserve(new: Sequence[NewDelivery]) -> dict[tuple[int, str], _Lane]:
    """Create or extend each lane by the positions it needs, locking them in sorted order."""
    counts = Counter((one.required.destination_id, one.lane_key) for one in new)
    first = {(one.required.destination_id, one.lane_key): one for one in reversed(new)}
    now = DatabaseClock().now()
    rows = [
        (name[0], name[1], one.tenant_id, one.business_unit_id, one.customer_order_id, counts[name], 0, now, 0)
        for name, one in sorted(first.items(), key=lambda item: item[0])
    ]
    found = _RESERVED.fetch(_RESERVE, rows)
    # the lease itself: SQLite 3.40 returns 1 for "lease IS NOT NULL" of a row that has none
    return {(row[0], row[1]): _Lane(row[2], row[3], row[4], row[5] is not None) for row in found}


def _supersede_unsent(lane: _Lane, made: list[Delivery]) -> None:
    """Supersede the lane's unsent deliveries by the newest, which starts a retry schedule of its own.

    A head that is being sent now is left: ``supersede_overtaken`` decides when its outcome is recorded or its lease
    has run out.
    """
    newest, now = made[-1], DatabaseClock().now()
    for earlier in made[:-1]:
        if earlier.lane_id == lane.id and earlier.status == Delivery.Status.PENDING:
            earlier.status, earlier.superseded_by, earlier.finished_at = Delivery.Status.SUPERSEDED, newest.id, now
    pending = Delivery.objects.filter(lane=lane.id, position__gt=lane.done_position, status=Delivery.Status.PENDING)
    head = pending.order_by("position").values_list("pk", flat=True)
    in_flight = list(head[:1]) if lane.leased else []
    unsent = Delivery.objects.filter(lane=lane.id, status__in=UNSENT, position__lt=newest.position)
    superseded = unsent.exclude(pk__in=in_flight).update(
        status=Delivery.Status.SUPERSEDED, superseded_by=newest.id, finished_at=now
    )
    if superseded:
        Lane.objects.filter(pk=lane.id, lease=None, held_by=None, due_at__gt=now).update(due_at=now)


UNSENT = (Delivery.Status.PENDING, Delivery.Status.DEAD)


def supersede_overtaken(lane_ids: Sequence[int]) -> int:
    """Supersede undelivered rows that a newer delivery in their lane replaces; returns how many.

    The caller has the lanes locked or leased, so none of these rows is being sent.
    """
    later = Delivery.objects.filter(lane=OuterRef("lane"), position__gt=OuterRef("position"), replaces_unsent=True)
    overtaken = Delivery.objects.filter(Exists(later), lane__in=lane_ids, status__in=UNSENT)
    newest = later.order_by("-position").values("pk")[:1]
    return overtaken.update(
        status=Delivery.Status.SUPERSEDED, superseded_by=Subquery(newest), finished_at=DatabaseClock().now()
    )
