"""Record a failed event: retry on the schedule, or dead after the last retry."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from orders.database.clock import DatabaseClock
from orders.models import OrderEvent, OrderQueue, Tenant
from orders.queueing.retry_schedule import next_try
from orders.telemetry import counters

log = structlog.get_logger("orderhub.inbox")


@transaction.atomic
def record_failure(lease: UUID, queue: OrderQueue, words: str) -> None:
    """Count one attempt of the queue's head and release the queue. Writes nothing when the lease was lost.

    The event stays head until its schedule ends; then it is dead and its successors are due at once. One transaction
    with the queue's row locked.
    """
    locked = OrderQueue.objects.select_for_update().filter(pk=queue.pk, lease=lease).first()
    if locked is None:
        log.warning("a worker that outlived its lease records nothing", queue=queue.pk)
        return
    head = locked.events.filter(status=OrderEvent.Status.PENDING, sequence__gt=locked.done_sequence)
    event = head.order_by("sequence").first()
    now = DatabaseClock().now()
    if event is None:
        locked.due_at = now if locked.last_sequence > locked.done_sequence else None
    else:
        event.attempts += 1
        event.error = words
        tenant = Tenant.objects.get(pk=locked.tenant_id)
        schedule = tenant.event_retry_schedule or settings.HUB_EVENT_RETRY_SCHEDULE
        locked.due_at = next_try(schedule, event.attempts - event.tries_left_from, now=now)
        if locked.due_at is None:
            event.status, event.finished_at = OrderEvent.Status.DEAD, now
            locked.done_sequence = event.sequence
            locked.due_at = now if locked.last_sequence > locked.done_sequence else None
            transaction.on_commit(partial(counters.dead_event, locked.tenant_id))
            log.error("event dead", event_id=str(event.pk), tenant_id=locked.tenant_id, order=locked.customer_order_id)
        event.save(update_fields=["attempts", "error", "status", "finished_at"])
    locked.lease, locked.losses = None, 0
    locked.save(update_fields=["lease", "losses", "done_sequence", "due_at"])
