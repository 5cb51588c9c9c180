"""Preview, retry and discard a dead event. Every change locks the order's queue.

Under that lock it is decided whether the event is stale: it is applied only if its sequence is above the order's last
applied sequence, else it becomes ``superseded`` by that event (docs/design/inbox.md#dead-events).

    NotDead    the event is not dead
    Busy       a worker has leased the order; try again in a moment
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from orders.database.clock import DatabaseClock
from orders.dead_letters.results import (
    Busy,
    NotDead,
    Result,
)
from orders.inbox.batch import Batch, PoisonEvent, event_at
from orders.models import OperatorAction, Order, OrderEvent, OrderQueue
from orders.queueing.wake_ups import wake_inbound

BUSY_SECONDS = 3.0
"""How long an operator's change waits for the worker that leased the order; a batch takes far less."""


def preview(event: OrderEvent) -> Result:
    """What a retry would do: it is applied and rolled back. Raises NotDead, Busy."""
    with _locked(event) as (queue, dead), _rolled_back():
        newer = _overtaken_by(queue, dead)
        if newer:
            return _result(dead, "would_supersede", newer, _SUPERSEDED)
        _make_pending(queue, dead)
        lease = uuid.uuid4()
        OrderQueue.objects.filter(pk=queue.pk).update(lease=lease, done_sequence=dead.sequence - 1)
        queue.refresh_from_db()
        try:
            with transaction.atomic():
                Batch(lease, [queue], events_most=1).apply()
        except PoisonEvent as poison:
            return _result(dead, "would_fail", detail=poison.words)
        return _result(dead, "would_apply", detail="A retry would apply it now.")


def retry(event: OrderEvent, *, who: str, reason: str = "") -> Result:
    """Supersede it when a newer event of the order was applied, else make it pending with a new schedule. Raises
    NotDead, Busy.
    """
    with _locked(event) as (queue, dead):
        _end_lease_of_a_lost_worker(queue)
        newer = _overtaken_by(queue, dead)
        if newer:
            dead.status, dead.superseded_by, dead.finished_at = (
                OrderEvent.Status.SUPERSEDED, newer, DatabaseClock().now(),
            )  # fmt: skip
            dead.save(update_fields=["status", "superseded_by", "finished_at"])
            result = _result(dead, dead.status, newer, _SUPERSEDED)
        else:
            _make_pending(queue, dead)
            result = _result(dead, dead.status, detail="It will be applied in its place.")
        _note(queue, dead, who=who, action="retry", reason=reason, outcome=result.outcome)
    wake_inbound()
    return result


def discard(event: OrderEvent, *, who: str, reason: str = "") -> Result:
    """Give a dead event up for good. Raises NotDead, Busy."""
    with _locked(event) as (queue, dead):
        _end_lease_of_a_lost_worker(queue)
        dead.status, dead.finished_at = OrderEvent.Status.DISCARDED, DatabaseClock().now()
        dead.save(update_fields=["status", "finished_at"])
        _note(queue, dead, who=who, action="discard", reason=reason, outcome=dead.status)
    return _result(dead, dead.status, detail="It will never be applied.")


_SUPERSEDED = "A newer event of this order was applied already; this one is ignored."


def _result(dead: OrderEvent, outcome: str, newer: uuid.UUID | None = None, detail: str = "") -> Result:
    return Result("event", dead.pk, dead.sequence, outcome, newer, detail)


@contextmanager
def _locked(event: OrderEvent) -> Iterator[tuple[OrderQueue, OrderEvent]]:
    """In a transaction, lock the queue once no worker has it leased, and read the event under that lock.

    Waits BUSY_SECONDS at most, then raises Busy; raises NotDead for an event in another status.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        with transaction.atomic():
            now = DatabaseClock().now()
            free = Q(lease__isnull=True) | Q(due_at__lte=now)
            queue = OrderQueue.objects.select_for_update().filter(free, pk=event.queue_id).first()
            if queue:
                fresh = OrderEvent.objects.get(pk=event.pk)
                if fresh.status != OrderEvent.Status.DEAD:
                    raise NotDead("events", fresh.status)
                yield queue, fresh
                return
        if time.monotonic() > until:
            raise Busy("a worker is applying this order just now; try again in a moment")
        time.sleep(0.02)


def _end_lease_of_a_lost_worker(queue: OrderQueue) -> None:
    if queue.lease:
        queue.lease, queue.losses = None, max(queue.losses, 1)
        queue.save(update_fields=["lease", "losses"])


@contextmanager
def _rolled_back() -> Iterator[None]:
    """Roll back everything that is done inside."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def _overtaken_by(queue: OrderQueue, event: OrderEvent) -> uuid.UUID | None:
    applied = Order.objects.filter(pk=queue.pk).values_list("applied_sequence", flat=True).first()
    return event_at(queue.pk, applied) if applied is not None and applied > event.sequence else None


def _make_pending(queue: OrderQueue, event: OrderEvent) -> None:
    event.status, event.finished_at = OrderEvent.Status.PENDING, None
    event.tries_left_from = event.attempts
    event.save(update_fields=["status", "finished_at", "tries_left_from"])
    waiting_before = queue.events.filter(
        status=OrderEvent.Status.PENDING, sequence__gt=queue.done_sequence, sequence__lt=event.sequence
    ).exists()
    queue.done_sequence = min(queue.done_sequence, event.sequence - 1)
    if queue.due_at is None or not waiting_before:
        queue.due_at = DatabaseClock().now() - timedelta(microseconds=1)
        queue.losses = 0
    queue.save(update_fields=["done_sequence", "due_at", "losses"])


def _note(queue: OrderQueue, event: OrderEvent, *, who: str, action: str, reason: str, outcome: str) -> None:
    OperatorAction.objects.create(
        **queue.key._asdict(), who=who, action=action, subject=f"event:{event.pk}", reason=reason, outcome=outcome
    )
