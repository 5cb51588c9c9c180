"""Read the counters back: totals per step of a period, and how long things took.

Each of the four queries uses the unique index of ``Figure`` by step and time and groups in the database: the result
grows with the steps shown and the counters kept, never with orders, events or deliveries.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, F, QuerySet, Sum, Value, When
from django.utils import timezone

from orders.models import Figure
from orders.telemetry.counters import LENGTHS_MS

Name, Step = Figure.Name, Figure.Step
OTHERS = 0
"""The id for all destinations without their own colour in a chart."""
DESTINATIONS_DRAWN = 5
"""A reader cannot distinguish more colours."""
RATE_MINUTES = 10
"""Events per minute are an average over so many minutes: steady, and still recent."""
KEPT = {Step.MINUTE: timedelta(hours=3), Step.QUARTER: timedelta(days=3), Step.HOUR: timedelta(days=15)}
"""Longer than the longest chart of each step: an hour, a day, a week, with the one before it to compare."""
REMOVED_AT_ONCE = 5_000
"""More rows than are added between two turns, few enough for a short transaction."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period up to now in steps; the last step is not over yet."""

    word: str
    step: Figure.Step
    length: timedelta

    def starts(self, now: datetime) -> list[datetime]:
        """The start of every step that is shown, oldest first."""
        seconds, count = int(self.step), int(self.length.total_seconds()) // int(self.step)
        last = int(now.timestamp()) // seconds
        return [datetime.fromtimestamp((last - back) * seconds, UTC) for back in range(count - 1, -1, -1)]


PERIODS = {
    period.word: period
    for period in (
        Period("hour", Step.MINUTE, timedelta(hours=1)),
        Period("day", Step.QUARTER, timedelta(days=1)),
        Period("week", Step.HOUR, timedelta(days=7)),
    )
}


@dataclass(slots=True)
class Lengths:
    """A histogram of durations: counts by the upper bound of each range, in milliseconds."""

    counts: Counter[int] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()

    def at(self, share: float) -> float | None:
        """The percentile ``share`` (0 to 1) in milliseconds, interpolated within its range. None without data."""
        wanted, below = share * self.total, 0
        for place, upper in enumerate(LENGTHS_MS):
            count = self.counts[upper]
            if count and below + count >= wanted:
                lower = LENGTHS_MS[place - 1] if place else 0
                return lower + (upper - lower) * (wanted - below) / count
            below += count
        return None


@dataclass(slots=True)
class Work:
    """Totals of some steps."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Failed reads by kind."""
    lengths: Lengths = field(default_factory=Lengths)

    def add(self, name: str, label: str, count: int) -> None:
        if name in (Name.READ_MS, Name.SENDING_MS):
            self.lengths.counts[int(label)] += count
            return
        self.counts[name] += count
        if name == Name.READ_FAILED:
            self.failures[label] += count


def figures_of(tenant_id: int | None) -> QuerySet[Figure]:
    return Figure.objects.all() if tenant_id is None else Figure.objects.filter(tenant=tenant_id)


def events_and_reads(period: Period, tenant_id: int | None, now: datetime) -> dict[datetime, Work]:
    """Events and proxied reads by the start of each step; empty steps are left out."""
    rows = _within(period, figures_of(tenant_id), now).filter(destination=OTHERS)
    found: dict[datetime, Work] = defaultdict(Work)
    for starts_at, name, label, count in _summed(rows, "starts_at", "name", "label"):
        found[starts_at].add(name, label, count)
    return dict(found)


def by_destination(period: Period, tenant_id: int | None, now: datetime) -> dict[int, Work]:
    """Totals of the whole period by destination id."""
    rows = _within(period, figures_of(tenant_id), now).exclude(destination=OTHERS)
    found: dict[int, Work] = defaultdict(Work)
    for destination, name, label, count in _summed(rows, "destination", "name", "label"):
        found[destination].add(name, label, count)
    return dict(found)


def deliveries(
    period: Period, tenant_id: int | None, now: datetime, *, drawn: Iterable[int]
) -> dict[datetime, dict[int, Work]]:
    """Deliveries by step and destination id, for the destinations ``drawn``; all others together as OTHERS."""
    rows = _within(period, figures_of(tenant_id), now).filter(name__in=(Name.DELIVERED, Name.FAILED_TRY))
    whose = Case(When(destination__in=list(drawn), then=F("destination")), default=Value(OTHERS))
    found: dict[datetime, dict[int, Work]] = defaultdict(lambda: defaultdict(Work))
    for starts_at, one, name, count in _summed(rows.annotate(whose=whose), "starts_at", "whose", "name"):
        found[starts_at][one].add(name, "", count)
    return {starts_at: dict(of) for starts_at, of in found.items()}


def by_tenant(tenant_id: int | None, now: datetime) -> dict[int, Work]:
    """The last hour of each tenant id; ``received`` counts the last RATE_MINUTES only."""
    hour = _within(PERIODS["hour"], figures_of(tenant_id), now)
    recent = now - timedelta(minutes=RATE_MINUTES)
    received = hour.filter(name=Name.RECEIVED, starts_at__gte=recent)
    reads = hour.filter(name__in=(Name.READ, Name.READ_FAILED, Name.READ_MS))
    found: dict[int, Work] = defaultdict(Work)
    for rows in (received, reads):
        for tenant, name, label, count in _summed(rows, "tenant", "name", "label"):
            found[tenant].add(name, label, count)
    return dict(found)


def whole(works: Iterable[Work]) -> Work:
    """The sum."""
    total = Work()
    for work in works:
        total.counts.update(work.counts)
        total.failures.update(work.failures)
        total.lengths.counts.update(work.lengths.counts)
    return total


def _within(period: Period, rows: QuerySet[Figure], now: datetime) -> QuerySet[Figure]:
    return rows.filter(step=period.step, starts_at__gte=period.starts(now)[0])


def _summed(rows: QuerySet[Figure], *by: str) -> Iterable[tuple[Any, ...]]:
    return rows.order_by().values_list(*by).annotate(Sum("count"))


def remove_old() -> int:
    """Delete counters that no chart shows; returns how many rows."""
    removed = 0
    for step, kept in KEPT.items():
        old = Figure.objects.filter(step=step, starts_at__lt=timezone.now() - kept).values_list("pk", flat=True)
        while some := list(old[:REMOVED_AT_ONCE]):
            removed += Figure.objects.filter(pk__in=some).delete()[0]
    return removed
