"""Preview, retry and discard a dead delivery. Every change locks the delivery's lane.

Rules of a lane (docs/design/outbox.md#dead-deliveries). A dead delivery whose kind *holds its lane*
(``Channel.holds_lane``: order_created, before which nothing may reach a supplier) is never stale, because its
successors are pending behind it; discarding it discards them too. Any other one becomes ``superseded`` when a later one
of its lane was delivered; otherwise a retry makes it pending again in its old place, with a new schedule.

The receiver itself may ask for more (``redeliver``): a pending delivery is sent at once, and a delivered one is sent
again, unless a later one of its lane was delivered since.

    NotDead    the delivery is not dead
    SetAside   the delivery was superseded, discarded or overtaken; it is not sent any more
    Busy       the lane's head is being sent now, or another transaction is in the way; try again in a minute
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Q, QuerySet

from orders.database.clock import DatabaseClock
from orders.dead_letters import operations
from orders.dead_letters.operations import NotDead, Result, result
from orders.integrations import channels
from orders.models import Delivery, Lane
from orders.queueing.wake_ups import wake_outbound

BUSY = "its lane is being sent just now; try again in a minute"


class SetAside(Exception):
    """This delivery is not sent any more: {why}."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this delivery is not sent any more: {why}")


def preview(delivery: Delivery) -> Result:
    """What a retry would do; for a delivery that holds its lane also what a discard would do. Raises NotDead, Busy.

    Sends nothing, so it cannot say whether the partner would accept the delivery.
    """
    with _locked(delivery) as (lane, dead):
        newer = _overtaken_by(lane, dead)
        if newer:
            return result(dead, "would_supersede", newer, detail=_SUPERSEDED)
        return result(dead, "would_apply", detail=f"A retry would send it now.{_behind(lane, dead)}")


def retry(delivery: Delivery, *, who: str, reason: str = "") -> Result:
    """Supersede it when a later one of its lane was delivered, else make it pending in its old place. Raises NotDead,
    Busy.
    """
    with _locked(delivery) as (lane, dead):
        operations.end_lease_of_a_lost_worker(lane)
        newer = _overtaken_by(lane, dead)
        if newer:
            done = operations.supersede(dead, newer, detail=_SUPERSEDED)
        else:
            _make_pending(lane, dead)
            done = result(dead, detail=_LANE_HELD if lane.held_by else "It will be sent in its place.")
        operations.note(lane.order_key, dead, who=who, action="retry", reason=reason)
    wake_outbound()
    return done


def discard(delivery: Delivery, *, who: str, reason: str = "") -> Result:
    """Give a dead delivery up for good; if it holds its lane, its successors too. Raises NotDead, Busy."""
    with _locked(delivery) as (lane, dead):
        operations.end_lease_of_a_lost_worker(lane)
        behind = _discard_behind(lane, dead) if lane.held_by == dead.pk else []
        detail = f"It will never be sent, nor will {_counted(len(behind))} behind it." if behind else _NEVER
        operations.discard(dead)
        channels()[dead.destination.channel].discarded([dead, *behind])
        operations.note(lane.order_key, dead, who=who, action="discard", reason=reason)
    return result(dead, detail=detail)


def redeliver(delivery: Delivery, *, who: str, reason: str = "") -> Result:
    """Send it again for its receiver: a dead one as by ``retry``, a pending one at once, a delivered one once more.

    Raises SetAside, Busy.
    """
    with _locked(delivery, _REDELIVERABLE) as (lane, wanted):
        operations.end_lease_of_a_lost_worker(lane)
        if wanted.status == Delivery.Status.PENDING:
            _make_due(lane)
            detail = _LANE_HELD if lane.held_by else "It was pending; it is sent as soon as it is first in its lane."
        elif _overtaken_by(lane, wanted):
            raise SetAside("a later one of its order was delivered since")
        else:
            _make_pending(lane, wanted)
            detail = _LANE_HELD if lane.held_by else "It will be sent in its place."
        operations.note(lane.order_key, wanted, who=who, action="redeliver", reason=reason)
    wake_outbound()
    return result(wanted, detail=detail)


_REDELIVERABLE = (Delivery.Status.DEAD, Delivery.Status.PENDING, Delivery.Status.DELIVERED)
_NEVER = "It will never be sent."
_SUPERSEDED = "A later one for this order took its place; this one is not sent any more."
_LANE_HELD = "It stays pending, because a dead delivery holds its lane; retry or discard that one."


@contextmanager
def _locked(delivery: Delivery, statuses: Sequence[str] = (Delivery.Status.DEAD,)) -> Iterator[tuple[Lane, Delivery]]:
    """In a transaction, lock the lane and read the delivery under that lock. Raises Busy, and NotDead or SetAside for
    a delivery in another status.
    """
    with operations.locked(Lane.objects.filter(pk=delivery.lane_id), busy=BUSY) as lane:
        fresh = Delivery.objects.select_related("destination").get(pk=delivery.pk)
        if fresh.status not in statuses:
            raise _untouchable(fresh.status, statuses)
        yield lane, fresh


def _untouchable(status: str, wanted: Sequence[str]) -> Exception:
    return NotDead("deliveries", status) if len(wanted) == 1 else SetAside(f"it is {status}")


def _overtaken_by(lane: Lane, dead: Delivery) -> uuid.UUID | None:
    if channels()[dead.destination.channel].holds_lane(dead.kind):
        return None
    later = Delivery.objects.filter(
        Q(status=Delivery.Status.DELIVERED) | Q(replaces_unsent=True), lane=lane, position__gt=dead.position
    )
    return later.order_by("-position").values_list("pk", flat=True).first()


def _make_pending(lane: Lane, dead: Delivery) -> None:
    operations.make_pending(dead)
    waiting = Delivery.objects.filter(lane=lane, status=Delivery.Status.PENDING, position__lt=dead.position)
    lane.done_position = min(lane.done_position, dead.position - 1)
    if lane.held_by == dead.pk:
        lane.held_by = None
    if lane.held_by is None and (lane.due_at is None or not waiting.exists()):
        lane.due_at = operations.due_first()
    lane.save(update_fields=["done_position", "held_by", "due_at"])


def _make_due(lane: Lane) -> None:
    """Make the lane's head due now; the destination's health and the lane's order still apply."""
    if lane.held_by is None and lane.due_at is not None:
        lane.due_at = operations.due_first()
        lane.save(update_fields=["due_at"])


def _successors(lane: Lane, dead: Delivery) -> QuerySet[Delivery]:
    unsent = (Delivery.Status.PENDING, Delivery.Status.DEAD)
    return Delivery.objects.filter(lane=lane, position__gt=dead.position, status__in=unsent)


def _discard_behind(lane: Lane, dead: Delivery) -> list[Delivery]:
    behind = list(_successors(lane, dead).order_by("position"))
    Delivery.objects.filter(pk__in=[one.pk for one in behind]).update(
        status=Delivery.Status.DISCARDED,
        finished_at=DatabaseClock().now(),
        error=f"discarded together with the {dead.kind} it waited for",
    )
    lane.held_by, lane.due_at, lane.done_position = None, None, lane.last_position
    lane.save(update_fields=["held_by", "due_at", "done_position"])
    return behind


def _behind(lane: Lane, dead: Delivery) -> str:
    if lane.held_by is None:
        return ""
    if lane.held_by != dead.pk:
        return f" {_LANE_HELD}"
    count = _successors(lane, dead).count()
    return f" It holds its lane: a discard also discards {_counted(count)} behind it." if count else ""


def _counted(count: int) -> str:
    return "1 delivery" if count == 1 else f"{count} deliveries"
