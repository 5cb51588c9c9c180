"""Progress of the backfill hour by hour: one row per migrating tenant and hour, updated every few minutes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from orders.cutover.progress import progress
from orders.database.clock import DatabaseClock
from orders.integrations.periodic import each
from orders.models import LedgerHour, Tenant

COUNT_AGAIN = timedelta(minutes=5)
"""Counting a ledger of a million orders takes seconds, and a chart of hours needs no newer figures."""


class CountingLedgers:
    """Periodic work (orders.tasks)."""

    def due(self) -> bool:
        return _uncounted().exists()

    def run(self) -> None:
        each(_uncounted(), count)


def count(tenant: Tenant) -> None:
    """Store the present counts as this hour's. Two processes at once write the same row."""
    at = DatabaseClock().now()
    seen = progress(tenant.pk)
    hour = LedgerHour(
        tenant=tenant, starts_at=hour_of(at), counted_at=at, known=seen.known, received=seen.received
    )  # fmt: skip
    LedgerHour.objects.bulk_create(
        [hour],
        update_conflicts=True,
        unique_fields=["tenant", "starts_at"],
        update_fields=["counted_at", "known", "received"],
    )


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _uncounted() -> QuerySet[Tenant]:
    fresh = LedgerHour.objects.filter(tenant=OuterRef("pk"), counted_at__gt=DatabaseClock.recent().now() - COUNT_AGAIN)
    return Tenant.objects.filter(~Exists(fresh), active=True, mode=Tenant.Mode.MIGRATING)
