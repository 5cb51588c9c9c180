"""Applying what was received: claim due order queues, apply their events in sequence, say what that owes.

    drain -> claim (commit) -> apply the batch in one transaction -> guarded release
                             \\-> on any failure order by order, event by event: one poison order holds no other

A failed event stays head of its queue and is tried again on the schedule; when that runs out it is dead and its
successors go on. A lost connection, a deadlock or a lost worker is the hub's trouble and no attempt, but a worker lost
three times on the same head is (docs/design/inbox.md#failures).
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
from orders.database.lock_errors import (
    limit_lock_waits,
    took_too_long,
    was_in_the_way,
)
from orders.inbox.batch import EVENTS_MOST, Batch, LeaseLost, PoisonEvent
from orders.inbox.retries import record_failure
from orders.models import OrderEvent, OrderQueue, Tenant
from orders.queueing.claims import (
    LOSSES_THAT_COUNT,
    QUEUES,
    claim,
    due_groups,
    give_back,
)
from orders.queueing.wake_ups import (
    wake_inbound,
    wake_outbound,
)
from orders.telemetry import counters, tracing

LEASE_SECONDS = 15.0
"""Far beyond what a batch takes, and the longest that orders wait for a worker that died with their lease."""
BATCH_QUEUES = 200
"""Leased and applied in one transaction; docs/design/decisions/0001 has what a batch of 200 costs a PUT."""
COSTLY_MOST = 20
"""Of a lost batch of 200, in ten claims. Should the culprit be among them, nineteen at most wait for its lease."""
LOCKED_SECONDS = 1.0
"""Until an order that another transaction held is looked at again."""
TOO_LONG = "applying it took longer than the database lets one statement run (its statement_timeout)"
GIVE_BACK_SECONDS = 0.25
"""Between two tries to give a lease back while the database is away."""
SQLITE_BATCH_QUEUES = 50
"""On SQLite, where one writes at a time: short turns, so that a PUT waits a second at most."""

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
    try:
        trusted, suspects = _sorted_out(lease, ids)
        if trusted:
            _apply_together(lease, trusted)
        for queue in suspects:
            _apply_or_hand_back(lease, queue)
    except (OperationalError, InterfaceError) as error:
        log.warning("database trouble while applying; nothing is lost, no attempt counted", error=str(error))
        _give_back(lease)
        raise


def _give_back(lease: UUID) -> None:
    """Tried until the lease ends by itself: a server that is starting again is back within seconds."""
    until = time.monotonic() + LEASE_SECONDS
    while time.monotonic() < until:
        close_old_connections()
        try:
            give_back(QUEUES, lease, at=DatabaseClock().now() + timedelta(seconds=1))
            return
        except (OperationalError, InterfaceError):
            time.sleep(GIVE_BACK_SECONDS)


def _sorted_out(lease: UUID, ids: Sequence[int]) -> tuple[list[OrderQueue], list[OrderQueue]]:
    """Queues to apply together, and those whose head has failed or cost a worker before: these go alone.

    Each queue of a lost batch is counted only when its turn comes, so that an innocent one is never counted along with
    the culprit; COSTLY_MOST of them are kept. One that cost a worker alone comes when those are done, and by itself.
    The others go back unjudged.
    """
    queues = list(OrderQueue.objects.filter(pk__in=ids, lease=lease).order_by("pk"))
    costly = [queue for queue in queues if queue.losses]
    kept = [queue for queue in costly if queue.losses == 1][:COSTLY_MOST] or costly[:1]
    if len(costly) > len(kept):
        back = [queue.pk for queue in costly if queue not in kept]
        OrderQueue.objects.filter(pk__in=back, lease=lease).update(lease=None, due_at=DatabaseClock().now())
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
    try:
        owed = _apply(Batch(lease, queues))
    except (PoisonEvent, LeaseLost, OperationalError) as trouble:
        if isinstance(trouble, OperationalError) and not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise
        log.info("batch redone order by order", because=type(trouble).__name__, queues=len(queues))
        for queue in queues:
            _apply_or_hand_back(lease, queue)
        return
    if owed:
        wake_outbound()


def _apply_or_hand_back(lease: UUID, queue: OrderQueue) -> None:
    """An order that another transaction holds goes back with no attempt counted; the others go on."""
    losses = queue.losses
    try:
        _apply_alone(lease, queue)
    except OperationalError as trouble:
        if not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise
        log.warning("order is locked by another transaction; tried again", queue=queue.pk, error=str(trouble))
        _hand_back(lease, queue, losses=losses)


def _hand_back(lease: UUID, queue: OrderQueue, *, losses: int) -> None:
    """Where even the queue's row is locked, its lease runs out by itself."""
    at = DatabaseClock().now() + timedelta(seconds=LOCKED_SECONDS)
    try:
        with transaction.atomic():
            limit_lock_waits()
            OrderQueue.objects.filter(pk=queue.pk, lease=lease).update(lease=None, due_at=at, losses=losses)
    except OperationalError as trouble:
        if not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise


def _apply(batch: Batch) -> int:
    began = time.time()
    with transaction.atomic():
        limit_lock_waits()
        owed = batch.apply()
    tracing.applied(batch.applied_events(), began=began)
    for tenant_id, count in batch.applied_of.items():
        counters.applied(tenant_id, count)
    return owed


def _apply_one(batch: Batch) -> int:
    """A lock that is held may be free the next time; an order that takes too long takes too long again: PoisonEvent."""
    try:
        return _apply(batch)
    except OperationalError as trouble:
        if took_too_long(trouble):
            raise PoisonEvent(TOO_LONG) from trouble
        raise


def _apply_alone(lease: UUID, queue: OrderQueue) -> None:
    """One order, one event per transaction: what can be applied is, what fails is judged, nobody else is touched.

    An order that cost one worker, as all orders of a killed one's batch did, is tried with all its events at first.
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
            owed = _apply_one(batch)
        except PoisonEvent as poison:
            if most > 1:
                most = 1
                continue
            record_failure(lease, queue, poison.words)
            return
        except LeaseLost:
            log.warning("a worker that outlived its lease records nothing", queue=queue.pk)
            return
        if owed:
            wake_outbound()
        if batch.released:
            return
        queue.refresh_from_db()


def _count_loss_beforehand(lease: UUID, queue: OrderQueue) -> None:
    """This worker's loss stands unless it gets the head done: only who works on an order can be lost on it."""
    OrderQueue.objects.filter(pk=queue.pk, lease=lease).update(losses=F("losses") + 1)
