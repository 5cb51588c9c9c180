"""Progress of the backfill: known and received orders, missing ones, the rate and the expected end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from orders.database.clock import DatabaseClock
from orders.database.ids import earliest_id
from orders.models import KnownOrder, Order, OrderEvent, OrderQueue

RATE_SECONDS = 120
"""The rate is an average over so many seconds: longer than a load's pauses, short enough to follow its speed."""
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """``stored`` orders are applied; ``received`` ones may still be pending in the inbox."""

    known: int
    received: int
    stored: int
    per_second: float
    """Known orders first received in the last RATE_SECONDS, per second."""
    finishes_at: datetime | None
    """At the present rate; None while nothing is received, or when nothing is missing."""

    @property
    def missing(self) -> int:
        return self.known - self.received

    @property
    def share(self) -> float:
        """From 0 to 1; 0 while nothing is known, so that an empty ledger never looks complete."""
        return self.received / self.known if self.known else 0.0


def progress(tenant_id: int) -> Progress:
    """Makes four counts over the tenant's ledger: for a page or a checklist, not for every request."""
    known = KnownOrder.objects.filter(tenant=tenant_id)
    counted, missing, unstored = known.count(), missing_orders(tenant_id).count(), _without(known, Order).count()
    now = DatabaseClock().now()
    per_second = _received_since(tenant_id, now - timedelta(seconds=RATE_SECONDS)) / RATE_SECONDS
    left = timedelta(seconds=missing / per_second) if missing and per_second else None
    return Progress(
        known=counted,
        received=counted - missing,
        stored=counted - unstored,
        per_second=per_second,
        finishes_at=None if left is None else now + left,
    )


def missing_orders(tenant_id: int, *, after: int = 0) -> QuerySet[KnownOrder]:
    """Known orders that were never received, in the order of their ledger ids, after the id ``after``."""
    known = KnownOrder.objects.filter(tenant=tenant_id, pk__gt=after)
    return _without(known, OrderQueue).order_by("pk")


def all_missing(tenant_id: int) -> Iterator[KnownOrder]:
    """All missing orders, read page by page, so that a long download keeps no transaction open."""
    page = list(missing_orders(tenant_id)[:PAGE])
    while page:
        yield from page
        page = list(missing_orders(tenant_id, after=page[-1].pk)[:PAGE])


def _without(known: QuerySet[KnownOrder], rows: type[Order] | type[OrderQueue]) -> QuerySet[KnownOrder]:
    same = {name: OuterRef(name) for name in ("tenant_id", "business_unit_id", "customer_order_id")}
    return known.filter(~Exists(rows._default_manager.filter(**same)))


def _received_since(tenant_id: int, moment: datetime) -> int:
    """Known orders first received after ``moment``; ids grow with time, so only the newest events are read."""
    first = OrderEvent.objects.filter(tenant=tenant_id, pk__gte=earliest_id(moment), sequence=1)
    same = {name: OuterRef(f"queue__{name}") for name in ("tenant_id", "business_unit_id", "customer_order_id")}
    return first.filter(Exists(KnownOrder.objects.filter(**same))).count()
