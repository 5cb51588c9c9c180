"""Remove a tenant's old history in small batches; pending work is never touched.

Removed when older than the tenant's days: applied, delivered, superseded and discarded events and deliveries, their
attempts, and timeline entries. Never removed: orders; pending and dead rows; the event of an order's present state;
rows beyond a lane's or queue's done position; the queues and lanes themselves, so that a sequence never restarts and
nobody is notified of an old order twice.

Each batch is its own transaction with the tenant's Retention row locked; the row's cursor lets a killed run continue
and serialises two runs. Ids grow with time, so a batch is a range of the index by tenant; a run passes over each row
once, and the next run starts a day after it has finished.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from orders.database.clock import DatabaseClock
from orders.database.ids import earliest_id
from orders.integrations.periodic import each
from orders.models import Delivery, DeliveryAttempt, OrderEvent, Retention, TimelineEntry

BATCH_ROWS = 1_000
"""Some 20 ms of deleting: no PUT is delayed, and vacuum keeps up."""
EVERY = timedelta(days=1)
log = structlog.get_logger("orderhub.retention")


class RemovingHistory:
    """Periodic work (orders.tasks): batches in turn, one per tenant."""

    def due(self) -> bool:
        return _due().exists()

    def run(self) -> None:
        going = list(_due().values_list("pk", flat=True))
        while going:
            going = [pk for pk, more in each(going, remove_batch) if more]


def _due() -> QuerySet[Retention]:
    return Retention.objects.filter(
        Q(finished_at__isnull=True) | ~Q(cursor={}) | Q(finished_at__lte=DatabaseClock().now() - EVERY)
    )


@transaction.atomic
def remove_batch(pk: int) -> bool:
    """Pass over the next range of a tenant's history; False when the run is finished or another process has it."""
    row = Retention.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if row is None:
        return False
    now = DatabaseClock().now()
    cursor = row.cursor or {"before": (now - timedelta(days=row.days)).isoformat()}
    before = datetime.fromisoformat(cursor["before"])
    for name, pass_over in KINDS.items():
        if cursor.get(name) == DONE:
            continue
        removed, reached = pass_over(row.tenant_id, before, cursor.get(name))
        cursor[name] = reached
        row.removed += removed
        break
    more = any(cursor.get(name) != DONE for name in KINDS)
    row.cursor = cursor if more else {}
    row.finished_at = row.finished_at if more else now
    row.save(update_fields=["cursor", "finished_at", "removed"])
    if not more:
        log.info("history removed", tenant=row.tenant_id, before=cursor["before"], removed=row.removed)
    return more


DONE = "done"
"""Instead of a cursor: nothing is left."""


def _events(tenant_id: int, before: datetime, after: str | None) -> tuple[int, str]:
    stretch, reached = _stretch(OrderEvent.objects.filter(tenant=tenant_id), before, after)
    ended = (OrderEvent.Status.APPLIED, OrderEvent.Status.SUPERSEDED, OrderEvent.Status.DISCARDED)
    old = OrderEvent.objects.filter(
        pk__in=stretch,
        status__in=ended,
        finished_at__lt=before,
        sequence__lte=F("queue__done_sequence"),
        sequence__lt=F("queue__order__applied_sequence"),
    )
    return _remove(old), reached


def _deliveries(tenant_id: int, before: datetime, after: str | None) -> tuple[int, str]:
    stretch, reached = _stretch(Delivery.objects.filter(tenant=tenant_id), before, after)
    ended = (Delivery.Status.DELIVERED, Delivery.Status.SUPERSEDED, Delivery.Status.DISCARDED)
    old = Delivery.objects.filter(
        pk__in=stretch,
        status__in=ended,
        finished_at__lt=before,
        position__lte=F("lane__done_position"),
        position__lt=F("lane__last_position"),
    )
    ids = list(old.values_list("pk", flat=True))
    DeliveryAttempt.objects.filter(delivery__in=ids).delete()
    return _remove(Delivery.objects.filter(pk__in=ids)), reached


def _timeline(tenant_id: int, before: datetime, after: str | None) -> tuple[int, str]:
    """Ids of entries grow in the order in which they happened, over all tenants."""
    rows = TimelineEntry.objects.filter(pk__gt=int(after or 0)).order_by("pk")
    stretch = list(rows.values_list("pk", "tenant", "at")[:BATCH_ROWS])
    old = [pk for pk, tenant, at in stretch if tenant == tenant_id and at < before]
    over = len(stretch) < BATCH_ROWS or stretch[-1][2] >= before
    return _remove(TimelineEntry.objects.filter(pk__in=old)), DONE if over else str(stretch[-1][0])


def _stretch(rows: QuerySet[Any], before: datetime, after: str | None) -> tuple[list[uuid.UUID], str]:
    """The ids of the next rows by age, and the cursor to continue at."""
    newer = rows.filter(pk__gt=uuid.UUID(after)) if after else rows
    ids = list(newer.filter(pk__lt=earliest_id(before)).order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS])
    return ids, str(ids[-1]) if len(ids) == BATCH_ROWS else DONE


def _remove(old: QuerySet[Any]) -> int:
    """Delete by id, so that the DELETE has no join."""
    ids = list(old.values_list("pk", flat=True))
    return int(old.model._default_manager.filter(pk__in=ids).delete()[0])


KINDS: dict[str, Callable[[int, datetime, str | None], tuple[int, str]]] = {
    "deliveries": _deliveries,
    "events": _events,
    "timeline": _timeline,
}
"""In this order: a delivery refers to the event that required it, so it is removed first."""
