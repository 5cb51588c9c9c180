"""The judgement on a failed event: try again on the schedule, or dead, and the successors go on."""

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
    """Count one attempt of the queue's head and release the queue. Guarded by the lease: outlived, nothing is written.

    The head stays head until its schedule runs out; then it is dead and its successors are due at once.
    """
    held = OrderQueue.objects.select_for_update().filter(pk=queue.pk, lease=lease).first()
    if held is None:
        log.warning("a worker that outlived its lease records nothing", queue=queue.pk)
        return
    head = held.events.filter(status=OrderEvent.Status.PENDING, sequence__gt=held.done_sequence)
    event = head.order_by("sequence").first()
    now = DatabaseClock().now()
    if event is None:
        held.due_at = now if held.last_sequence > held.done_sequence else None
    else:
        event.attempts += 1
        event.error = words
        tenant = Tenant.objects.get(pk=held.tenant_id)
        schedule = tenant.event_retry_schedule or settings.HUB_EVENT_RETRY_SCHEDULE
        held.due_at = next_try(schedule, event.attempts - event.tries_left_from, now=now)
        if held.due_at is None:
            event.status, event.finished_at = OrderEvent.Status.DEAD, now
            held.done_sequence = event.sequence
            held.due_at = now if held.last_sequence > held.done_sequence else None
            transaction.on_commit(partial(counters.dead_event, held.tenant_id))
            log.error("event dead", event_id=str(event.pk), tenant_id=held.tenant_id, order=held.customer_order_id)
        event.save(update_fields=["attempts", "error", "status", "finished_at"])
    held.lease, held.losses = None, 0
    held.save(update_fields=["lease", "losses", "done_sequence", "due_at"])
