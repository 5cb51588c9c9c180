"""Progress of the work, measured by due rows, not by living processes (docs/design/architecture.md#what-a-person-sees).

Rows of a stopped tenant or of a destination that is paused, stopped, waiting or has an open breaker are not due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery

from orders.database.clock import DatabaseClock
from orders.models import Delivery, Destination, Lane, OrderEvent, OrderQueue, Tenant


@dataclass(frozen=True, slots=True)
class OldestDue:
    """Seconds since the oldest row of each kind became due; None when nothing is due."""

    events: float | None
    deliveries: float | None

    def beyond(self, limit: float) -> bool:
        return any(age is not None and age > limit for age in (self.events, self.deliveries))


def oldest_due(tenant_id: int | None = None) -> OldestDue:
    """Reads only the first row of each tenant's and destination's partial index, however many are pending."""
    clock = DatabaseClock()
    tenants, destinations = _running(tenant_id), _moving(tenant_id, clock)
    return OldestDue(
        events=_age(_oldest(_with_first_due(tenants, _queues())), clock),
        deliveries=_age(_oldest(_with_first_due(destinations, _lanes())), clock),
    )


def oldest_due_by_tenant(tenant_id: int | None = None) -> dict[int, OldestDue]:
    """The same by tenant id; a tenant that is switched off has nothing due."""
    clock = DatabaseClock()
    events = dict(_with_first_due(_running(tenant_id), _queues()).values_list("pk", "first_due"))
    deliveries: dict[int, datetime] = {}
    for pk, first in _with_first_due(_moving(tenant_id, clock), _lanes()).values_list("tenant", "first_due"):
        if first is not None:
            deliveries[pk] = min(first, deliveries.get(pk, first))
    return {pk: OldestDue(_age(first, clock), _age(deliveries.get(pk), clock)) for pk, first in events.items()}


def _running(tenant_id: int | None) -> QuerySet[Tenant]:
    running = Tenant.objects.filter(active=True).order_by()
    return running if tenant_id is None else running.filter(pk=tenant_id)


def _moving(tenant_id: int | None, clock: DatabaseClock) -> QuerySet[Destination]:
    moving = Destination.objects.filter(
        Q(waits_until__isnull=True) | Q(waits_until__lte=clock.now()),
        active=True,
        tenant__active=True,
        state=Destination.State.RUNNING,
        open_seconds__isnull=True,
    ).order_by()
    return moving if tenant_id is None else moving.filter(tenant=tenant_id)


def _queues() -> QuerySet[Any]:
    return OrderQueue.objects.filter(tenant=OuterRef("pk"))


def _lanes() -> QuerySet[Any]:
    return Lane.objects.filter(destination=OuterRef("pk"))


def _with_first_due(owners: QuerySet[Any], lines: QuerySet[Any]) -> QuerySet[Any]:
    first = lines.filter(due_at__isnull=False).order_by("due_at").values("due_at")[:1]
    found: QuerySet[Any] = owners.annotate(first_due=Subquery(first))
    return found


def _oldest(owners: QuerySet[Any]) -> datetime | None:
    oldest: datetime | None = owners.aggregate(oldest=Min("first_due"))["oldest"]
    return oldest


def _age(oldest: datetime | None, clock: DatabaseClock) -> float | None:
    seconds = (clock.now() - oldest).total_seconds() if oldest else -1.0
    return round(seconds, 3) if seconds >= 0 else None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Pending and dead work by kind, counted over partial indexes."""

    pending: dict[str, int]
    """Orders with events to apply; lanes with deliveries to send."""
    dead: dict[str, int]
    destinations: dict[tuple[str, str], int]
    """By channel and state; a running one with its breaker open counts as ``breaker_open``."""


def backlog() -> Backlog:
    return Backlog(
        pending={
            "events": OrderQueue.objects.filter(due_at__isnull=False).count(),
            "deliveries": Lane.objects.filter(Q(due_at__isnull=False) | Q(held_by__isnull=False)).count(),
        },
        dead={"events": OrderEvent.objects.dead().count(), "deliveries": Delivery.objects.dead().count()},
        destinations=_destinations(),
    )


def _destinations() -> dict[tuple[str, str], int]:
    broken = Q(state=Destination.State.RUNNING, open_seconds__isnull=False)
    shown = models.Case(models.When(broken, then=models.Value("breaker_open")), default="state")
    rows = Destination.objects.filter(active=True, tenant__active=True).annotate(shown=shown)
    counted = rows.order_by("channel", "shown").values_list("channel", "shown").annotate(Count("pk"))
    return {(channel, state): count for channel, state, count in counted}
