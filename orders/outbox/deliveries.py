"""Owing a delivery: one more place in the lane of (destination, order), in the transaction that makes it owed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Subquery

from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.integrations.channels import (
    Change,
    RequiredDelivery,
)
from orders.models import Delivery, Lane
from orders.values.lane_name import LaneName
from orders.values.order_key import OrderKey


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Something owed, with the lane it goes into and where it came from."""

    tenant_id: int
    lane_key: str
    owed: RequiredDelivery
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


def new_delivery(change: Change, queue_id: int, owed: RequiredDelivery) -> NewDelivery:
    """What an applied event owes one destination, in that order's lane."""
    key: OrderKey = change.key
    return NewDelivery(
        tenant_id=key.tenant_id,
        lane_key=f"order:{queue_id}",
        owed=owed,
        business_unit_id=key.business_unit_id,
        customer_order_id=key.customer_order_id,
        event_id=change.event_id,
        sequence=change.sequence,
        correlation_id=change.correlation_id,
    )


def add_deliveries(debts: Sequence[NewDelivery]) -> list[Delivery]:
    """Write what is owed, in the caller's transaction, in the given order within each lane.

    Locks the lanes it adds to, in id order of destination and key, until the transaction ends.
    """
    if not debts:
        return []
    lanes = _reserve(debts)
    taken: Counter[tuple[int, str]] = Counter()
    totals = Counter((debt.owed.destination_id, debt.lane_key) for debt in debts)
    made = []
    for debt in debts:
        name = (debt.owed.destination_id, debt.lane_key)
        lane = lanes[name]
        taken[name] += 1
        position = lane.last_position - totals[name] + taken[name]
        made.append(_delivery(debt, lane.id, position))
        if debt.owed.supersedes_unsent:
            _supersede_unsent(lane, made)
    Delivery.objects.bulk_create(made)
    return made


def hold_lanes(lanes: Iterable[LaneName]) -> None:
    """Lock lanes of no order, before the rows that they are about; makes those that are missing."""
    rows = [(destination, key, tenant, "", "", 0, 0, None, 0) for destination, key, tenant in sorted(set(lanes))]
    _RESERVED.fetch(_HOLD, rows)


def _delivery(debt: NewDelivery, lane_id: int, position: int) -> Delivery:
    return Delivery(
        lane_id=lane_id,
        destination_id=debt.owed.destination_id,
        tenant_id=debt.tenant_id,
        position=position,
        kind=debt.owed.kind,
        payload=debt.owed.payload,
        reference=debt.owed.reference,
        event_id=debt.event_id,
        sequence=debt.sequence,
        correlation_id=debt.correlation_id,
        replaces_unsent=debt.owed.supersedes_unsent,
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


def _reserve(debts: Sequence[NewDelivery]) -> dict[tuple[int, str], _Lane]:
    counts = Counter((debt.owed.destination_id, debt.lane_key) for debt in debts)
    first = {(debt.owed.destination_id, debt.lane_key): debt for debt in reversed(debts)}
    now = DatabaseClock().now()
    rows = [
        (name[0], name[1], debt.tenant_id, debt.business_unit_id, debt.customer_order_id, counts[name], 0, now, 0)
        for name, debt in sorted(first.items(), key=lambda item: item[0])
    ]
    found = _RESERVED.fetch(_RESERVE, rows)
    # the lease itself: SQLite 3.40 returns 1 for "lease IS NOT NULL" of a row that has none
    return {(row[0], row[1]): _Lane(row[2], row[3], row[4], row[5] is not None) for row in found}


def _supersede_unsent(lane: _Lane, made: list[Delivery]) -> None:
    """Several unsent changes of one order are one, and the newest starts a schedule of its own.

    A head that is being sent right now is judged by its outcome, when it is recorded or its lease has run out
    (``supersede_overtaken``).
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
    """End what was not delivered and has a newer delivery in its lane that replaces it; returns how many.

    For lanes that the caller holds by lock or lease: what was in flight when the newer one was added is judged here.
    """
    later = Delivery.objects.filter(lane=OuterRef("lane"), position__gt=OuterRef("position"), replaces_unsent=True)
    overtaken = Delivery.objects.filter(Exists(later), lane__in=lane_ids, status__in=UNSENT)
    newest = later.order_by("-position").values("pk")[:1]
    return overtaken.update(
        status=Delivery.Status.SUPERSEDED, superseded_by=Subquery(newest), finished_at=DatabaseClock().now()
    )
