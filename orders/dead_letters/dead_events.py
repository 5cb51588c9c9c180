"""Preview, retry and discard a dead event. Every change locks the order's queue.

Under that lock it is decided whether the event is stale: it is applied only if its sequence is above the order's last
applied sequence, else it becomes ``superseded`` by that event (docs/design/inbox.md#dead-events).

    NotDead    the event is not dead
    Busy       a worker has leased the order, or another transaction is in the way; try again in a moment
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, transaction

from orders.database.lock_errors import took_too_long
from orders.dead_letters import operations
from orders.dead_letters.operations import Busy, NotDead, Result, result
from orders.inbox.applying import TOO_LONG
from orders.inbox.batch import Batch, PoisonEvent, TenantsLocked, event_at
from orders.models import Order, OrderEvent, OrderQueue
from orders.queueing.wake_ups import wake_inbound

BUSY = "a worker is applying this order just now; try again in a moment"
TENANT_BUSY = "the tenant's settings are being changed just now; try again in a moment"


def preview(event: OrderEvent) -> Result:
    """What a retry would do: it is applied and rolled back. Raises NotDead, Busy."""
    with _locked(event) as (queue, dead), _rolled_back():
        newer = _overtaken_by(queue, dead)
        if newer:
            return result(dead, "would_supersede", newer, detail=_SUPERSEDED)
        _make_pending(queue, dead)
        lease = uuid.uuid4()
        OrderQueue.objects.filter(pk=queue.pk).update(lease=lease, done_sequence=dead.sequence - 1)
        queue.refresh_from_db()
        try:
            _apply(lease, queue)
        except PoisonEvent as poison:
            return result(dead, "would_fail", detail=poison.words)
        except TenantsLocked:
            raise Busy(TENANT_BUSY) from None
        return result(dead, "would_apply", detail="A retry would apply it now.")


def _apply(lease: uuid.UUID, queue: OrderQueue) -> None:
    """Apply the head as a worker would. Raises PoisonEvent also for a statement timeout."""
    try:
        with transaction.atomic():
            Batch(lease, [queue], events_most=1).apply()
    except OperationalError as trouble:
        if took_too_long(trouble):
            raise PoisonEvent(TOO_LONG) from trouble
        raise


def retry(event: OrderEvent, *, who: str, reason: str = "") -> Result:
    """Supersede it when a newer event of the order was applied, else make it pending with a new schedule. Raises
    NotDead, Busy.
    """
    with _locked(event) as (queue, dead):
        operations.end_lease_of_a_lost_worker(queue)
        newer = _overtaken_by(queue, dead)
        if newer:
            done = operations.supersede(dead, newer, detail=_SUPERSEDED)
        else:
            _make_pending(queue, dead)
            done = result(dead, detail="It will be applied in its place.")
        operations.note(queue.key, dead, who=who, action="retry", reason=reason)
    wake_inbound()
    return done


def discard(event: OrderEvent, *, who: str, reason: str = "") -> Result:
    """Give a dead event up for good. Raises NotDead, Busy."""
    with _locked(event) as (queue, dead):
        operations.end_lease_of_a_lost_worker(queue)
        operations.discard(dead)
        operations.note(queue.key, dead, who=who, action="discard", reason=reason)
    return result(dead, detail="It will never be applied.")


_SUPERSEDED = "A newer event of this order was applied already; this one is ignored."


@contextmanager
def _locked(event: OrderEvent) -> Iterator[tuple[OrderQueue, OrderEvent]]:
    """In a transaction, lock the queue and read the event under that lock. Raises NotDead, Busy."""
    with operations.locked(OrderQueue.objects.filter(pk=event.queue_id), busy=BUSY) as queue:
        fresh = OrderEvent.objects.get(pk=event.pk)
        if fresh.status != OrderEvent.Status.DEAD:
            raise NotDead("events", fresh.status)
        yield queue, fresh


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
    operations.make_pending(event)
    waiting_before = queue.events.filter(
        status=OrderEvent.Status.PENDING, sequence__gt=queue.done_sequence, sequence__lt=event.sequence
    ).exists()
    queue.done_sequence = min(queue.done_sequence, event.sequence - 1)
    if queue.due_at is None or not waiting_before:
        queue.due_at = operations.due_first()
        queue.losses = 0
    queue.save(update_fields=["done_sequence", "due_at", "losses"])
