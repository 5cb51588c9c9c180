"""Apply received events: claim due order queues, apply their events in sequence, plan the deliveries they require.

    drain -> claim (commit) -> apply the batch in one transaction -> guarded release
                             \\-> on any failure order by order, event by event: a poison order stops no other order

A failed event stays head of its queue and is tried again on the schedule; after the last retry it is dead and its
successors are applied. A lost connection, a deadlock or a lost worker is the hub's own failure and counts no attempt,
except when three workers were lost on the same head (docs/design/inbox.md#failures).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models import F

from orders.database.clock import DatabaseClock
from orders.database.lock_errors import limit_lock_waits, took_too_long, was_in_the_way
from orders.inbox.batch import EVENTS_MOST, Batch, LeaseLost, PoisonEvent, TenantsLocked
from orders.inbox.retries import record_failure
from orders.models import OrderEvent, OrderQueue, Tenant
from orders.queueing.claims import LOSSES_THAT_COUNT, QUEUES, claim, due_groups, give_back
from orders.queueing.wake_ups import wake_inbound, wake_outbound
from orders.telemetry import counters, tracing

LEASE_SECONDS = 15.0
"""Far longer than a batch takes; also the longest that orders wait after a worker died with their lease."""
BATCH_QUEUES = 200
"""Leased and applied in one transaction; docs/design/decisions/0001 has what a batch of 200 costs a PUT."""
COSTLY_MOST = 20
"""Queues of a lost batch of 200 that one claim tries again. If the culprit is among them, at most 19 wait with it."""
LOCKED_SECONDS = 1.0
"""Before an order that another transaction had locked is tried again."""
ALONE_SECONDS = LEASE_SECONDS / 3
"""For orders tried one by one: with the batch before and the last order's lock waits it stays within the lease."""
TOO_LONG = "applying it took longer than the database lets one statement run (its statement_timeout)"
GIVE_BACK_SECONDS = 0.25
"""Between two attempts to give a lease back while the database is away."""
SQLITE_BATCH_QUEUES = 50
"""On SQLite, which allows one writer at a time: short transactions, so that a PUT waits a second at most."""

log = structlog.get_logger("orderhub.inbox")


def drain() -> int:
    """Apply one batch of due queues; returns how many queues were claimed (0: nothing is due)."""
    groups = due_groups(QUEUES)
    active = list(Tenant.objects.filter(pk__in=groups, active=True).values_list("pk", flat=True)) if groups else []
    if not active:
        return 0
    size = _batch_size()
    share = max(1, size // len(active))
    lease, ids = claim(QUEUES, dict.fromkeys(active, share), lease_seconds=LEASE_SECONDS)
    if len(ids) >= share:
        wake_inbound()
    if ids:
        _work(lease, ids)
    return len(ids)


def _batch_size() -> int:
    return SQLITE_BATCH_QUEUES if connection.vendor == "sqlite" else BATCH_QUEUES


def _work(lease: UUID, ids: Sequence[int]) -> None:
    suspects: Sequence[OrderQueue] = ()
    try:
        trusted, suspects = _partition(lease, ids)
        _apply_together(lease, trusted)
        _apply_one_by_one(lease, suspects)
    except (OperationalError, InterfaceError) as error:
        log.warning("database trouble while applying; nothing is lost, no attempt counted", error=str(error))
        _give_back(lease, suspects)
        raise


def _give_back(lease: UUID, suspects: Sequence[OrderQueue]) -> None:
    """Make the queues due again, with no loss counted for a suspect that was tried: this worker is not lost.

    Repeated until the lease ends by itself, as a restarting server is back in seconds.
    """
    until = time.monotonic() + LEASE_SECONDS
    while time.monotonic() < until:
        close_old_connections()
        try:
            for queue in suspects:
                OrderQueue.objects.filter(pk=queue.pk, lease=lease, losses__gt=queue.losses).update(losses=queue.losses)
            give_back(QUEUES, lease, at=DatabaseClock().now() + timedelta(seconds=1))
            return
        except (OperationalError, InterfaceError):
            time.sleep(GIVE_BACK_SECONDS)


def _partition(lease: UUID, ids: Sequence[int]) -> tuple[list[OrderQueue], list[OrderQueue]]:
    """Split the claimed queues: those to apply together, and those to apply alone, because their head failed before or
    a worker was lost on them.

    A loss is counted for a queue only when it is tried alone, so that the other queues of a lost batch are not blamed.
    At most COSTLY_MOST queues with one loss are kept; a queue with more losses is tried when none of those is left,
    one per claim. The rest is given back with no loss counted.
    """
    queues = list(OrderQueue.objects.filter(pk__in=ids, lease=lease).order_by("pk"))
    costly = [queue for queue in queues if queue.losses]
    kept = [queue for queue in costly if queue.losses == 1][:COSTLY_MOST] or costly[:1]
    if len(costly) > len(kept):
        _hand_back(lease, [queue for queue in costly if queue not in kept])
        wake_inbound()
    failed = set(
        OrderEvent.objects.filter(
            queue__in=[queue.pk for queue in queues if not queue.losses],
            status=OrderEvent.Status.PENDING,
            sequence__gt=F("queue__done_sequence"),
            attempts__gt=0,
        ).values_list("queue_id", flat=True)
    )
    alone = kept + [queue for queue in queues if queue.pk in failed and not queue.losses]
    return [queue for queue in queues if not queue.losses and queue.pk not in failed], alone


def _apply_together(lease: UUID, queues: Sequence[OrderQueue]) -> None:
    if not queues:
        return
    try:
        required = _apply(Batch(lease, queues))
    except TenantsLocked as locked:
        _hand_back(lease, [queue for queue in queues if queue.tenant_id in locked.ids], after=LOCKED_SECONDS)
        _apply_together(lease, [queue for queue in queues if queue.tenant_id not in locked.ids])
        return
    except (PoisonEvent, LeaseLost, OperationalError) as trouble:
        if isinstance(trouble, OperationalError) and not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise
        log.info("batch redone order by order", because=type(trouble).__name__, queues=len(queues))
        _apply_one_by_one(lease, queues)
        return
    if required:
        wake_outbound()


def _apply_one_by_one(lease: UUID, queues: Sequence[OrderQueue]) -> None:
    """Apply each order alone. Those that other transactions have locked are given back with no attempt counted, and
    after those that ALONE_SECONDS left untried, which so come first in the next batch.
    """
    until = time.monotonic() + ALONE_SECONDS
    locked: list[tuple[OrderQueue, int]] = []
    for number, queue in enumerate(queues):
        if number and time.monotonic() > until:
            _hand_back(lease, queues[number:])
            wake_inbound()
            break
        losses = queue.losses
        if not _is_applied(lease, queue):
            locked.append((queue, losses))
    for queue, losses in locked:
        _hand_back(lease, [queue], after=LOCKED_SECONDS, losses=losses)


def _is_applied(lease: UUID, queue: OrderQueue) -> bool:
    """Apply one order; False if another transaction has rows of it or its tenant locked."""
    try:
        _apply_alone(lease, queue)
    except TenantsLocked:
        return False
    except OperationalError as trouble:
        if not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise
        log.warning("order is locked by another transaction; tried again", queue=queue.pk, error=str(trouble))
        return False
    return True


def _hand_back(lease: UUID, queues: Sequence[OrderQueue], *, after: float = 0.0, **columns: int) -> None:
    """Make the queues due after some seconds. If even their rows are locked, their lease runs out by itself."""
    due_at = DatabaseClock().now() + timedelta(seconds=after)
    rows = OrderQueue.objects.filter(pk__in=[queue.pk for queue in queues], lease=lease)
    try:
        with transaction.atomic():
            limit_lock_waits()
            list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
            rows.update(lease=None, due_at=due_at, **columns)
    except OperationalError as trouble:
        if not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise


def _apply(batch: Batch) -> int:
    began = time.time()
    with transaction.atomic():
        limit_lock_waits()
        required = batch.apply()
    tracing.applied(batch.applied_events(), began=began)
    for tenant_id, count in batch.applied_of.items():
        counters.applied(tenant_id, count)
    return required


def _apply_one(batch: Batch) -> int:
    """Apply; raises PoisonEvent for a statement timeout, which would come again, but OperationalError for a lock."""
    try:
        return _apply(batch)
    except OperationalError as trouble:
        if took_too_long(trouble):
            raise PoisonEvent(TOO_LONG) from trouble
        raise


def _apply_alone(lease: UUID, queue: OrderQueue) -> None:
    """Apply one order with one event per transaction, so that a failing event affects nothing else.

    An order with one lost worker (as every order of a killed worker's batch has) is first tried with all its events.
    """
    if queue.losses >= LOSSES_THAT_COUNT:
        record_failure(lease, queue, "the worker was lost three times while applying this event")
        return
    if queue.losses:
        _count_loss_beforehand(lease, queue)
    most = EVENTS_MOST if queue.losses == 1 else 1
    while True:
        batch = Batch(lease, [queue], events_most=most, keep_lease=True)
        try:
            required = _apply_one(batch)
        except PoisonEvent as poison:
            if most > 1:
                most = 1
                continue
            record_failure(lease, queue, poison.words)
            return
        except LeaseLost:
            log.warning("a worker that outlived its lease records nothing", queue=queue.pk)
            return
        if required:
            wake_outbound()
        if batch.released:
            return
        queue.refresh_from_db()


def _count_loss_beforehand(lease: UUID, queue: OrderQueue) -> None:
    """Count this worker as lost before it begins; applying the head resets the count."""
    OrderQueue.objects.filter(pk=queue.pk, lease=lease).update(losses=F("losses") + 1)
