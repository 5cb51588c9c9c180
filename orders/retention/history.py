"""Removing a tenant's old history, in small batches that never touch what is owed.

Removed when older than the tenant's days: events and deliveries that ended well or were set aside, their tries, and
timeline entries. Never removed: orders; pending and dead rows; the event that an order's present state comes from;
what stands behind a lane's or queue's done mark; the queues and lanes themselves, so that a sequence never starts anew
and nobody is told of an old order twice.

Each batch is a transaction of its own under the tenant's Retention row, whose cursor says how far the run has come: a
killed run goes on where it was, and two at once take turns. Ids grow with time, so a batch is a stretch of the index by
tenant; a run passes over each row once and starts anew a day after it finished.
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
from orders.models import Delivery, DeliveryAttempt, OrderEvent, Retention, TimelineEntry

BATCH_ROWS = 1_000
"""Some 20 ms of deleting: no PUT waits for it, and vacuum keeps up."""
EVERY = timedelta(days=1)
log = structlog.get_logger("orderhub.retention")


class RemovingHistory:
    """Periodic work (orders.tasks): a batch each time the sweep asks, so that it never keeps the others waiting."""

    def due(self) -> bool:
        return _due().exists()

    def run(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        """One batch of each tenant that is due, in turn; whether any has more."""
        more = [remove_batch(pk) for pk in _due().values_list("pk", flat=True)]
        return any(more)


def _due() -> QuerySet[Retention]:
    return Retention.objects.filter(
        Q(finished_at__isnull=True) | ~Q(cursor={}) | Q(finished_at__lte=DatabaseClock().now() - EVERY)
    )


@transaction.atomic
def remove_batch(pk: int) -> bool:
    """Pass over the next stretch of a tenant's history; False when the run is finished or another process has it."""
    held = Retention.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if held is None:
        return False
    now = DatabaseClock().now()
    cursor = held.cursor or {"before": (now - timedelta(days=held.days)).isoformat()}
    before = datetime.fromisoformat(cursor["before"])
    for name, pass_over in KINDS.items():
        if cursor.get(name) == DONE:
            continue
        removed, reached = pass_over(held.tenant_id, before, cursor.get(name))
        cursor[name] = reached
        held.removed += removed
        break
    more = any(cursor.get(name) != DONE for name in KINDS)
    held.cursor = cursor if more else {}
    held.finished_at = held.finished_at if more else now
    held.save(update_fields=["cursor", "finished_at", "removed"])
    if not more:
        log.info("history removed", tenant=held.tenant_id, before=cursor["before"], removed=held.removed)
    return more


DONE = "done"
"""In the place of a cursor: nothing is left to pass over."""


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
    """Entries are numbered in the order in which they happened, over all tenants."""
    rows = TimelineEntry.objects.filter(pk__gt=int(after or 0)).order_by("pk")
    stretch = list(rows.values_list("pk", "tenant", "at")[:BATCH_ROWS])
    old = [pk for pk, tenant, at in stretch if tenant == tenant_id and at < before]
    over = len(stretch) < BATCH_ROWS or stretch[-1][2] >= before
    return _remove(TimelineEntry.objects.filter(pk__in=old)), DONE if over else str(stretch[-1][0])


def _stretch(rows: QuerySet[Any], before: datetime, after: str | None) -> tuple[list[uuid.UUID], str]:
    """The ids of the next rows by age, and where to go on."""
    newer = rows.filter(pk__gt=uuid.UUID(after)) if after else rows
    ids = list(newer.filter(pk__lt=earliest_id(before)).order_by("pk").values_list("pk", flat=True)[:BATCH_ROWS])
    return ids, str(ids[-1]) if len(ids) == BATCH_ROWS else DONE


def _remove(old: QuerySet[Any]) -> int:
    """By id, so that the delete itself joins nothing."""
    ids = list(old.values_list("pk", flat=True))
    return int(old.model._default_manager.filter(pk__in=ids).delete()[0])


KINDS: dict[str, Callable[[int, datetime, str | None], tuple[int, str]]] = {
    "deliveries": _deliveries,
    "events": _events,
    "timeline": _timeline,
}
"""In this order: a delivery names the event that owes it, so it goes first."""
