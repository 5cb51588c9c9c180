"""Figures read back: what a period amounted to, step by step, and how long things took.

Four questions, each answered by the unique index of ``Figure`` from its step and time, grouped in the database: what
comes back grows with the steps shown and the kinds counted, never with orders, events or deliveries.
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
"""Stands for all destinations that have no colour of their own in a chart."""
DESTINATIONS_DRAWN = 5
"""More colours than these nobody tells apart."""
RATE_MINUTES = 10
"""Events per minute are an average over so many minutes: one that nobody has to explain, and still of now."""
KEPT = {Step.MINUTE: timedelta(hours=3), Step.QUARTER: timedelta(days=3), Step.HOUR: timedelta(days=15)}
"""Longer than the longest chart of each step: an hour, a day, a week, with the one before it to compare."""
REMOVED_AT_ONCE = 5_000
"""More than come in between two turns, few enough for a short transaction."""


@dataclass(frozen=True, slots=True)
class Period:
    """``since`` … now in steps; the last step is not over yet."""

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
    """How often something took how long: counts by the upper end of each range, in milliseconds."""

    counts: Counter[int] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()

    def at(self, share: float) -> float | None:
        """Milliseconds that ``share`` of them stayed within; spread evenly inside a range. None without any."""
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
    """What some steps amounted to."""

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
    """Each step's events and proxied reads; steps without any are left out."""
    rows = _within(period, figures_of(tenant_id), now).filter(destination=OTHERS)
    found: dict[datetime, Work] = defaultdict(Work)
    for starts_at, name, label, count in _summed(rows, "starts_at", "name", "label"):
        found[starts_at].add(name, label, count)
    return dict(found)


def by_destination(period: Period, tenant_id: int | None, now: datetime) -> dict[int, Work]:
    """What went to each destination in the whole period."""
    rows = _within(period, figures_of(tenant_id), now).exclude(destination=OTHERS)
    found: dict[int, Work] = defaultdict(Work)
    for destination, name, label, count in _summed(rows, "destination", "name", "label"):
        found[destination].add(name, label, count)
    return dict(found)


def deliveries(
    period: Period, tenant_id: int | None, now: datetime, *, drawn: Iterable[int]
) -> dict[datetime, dict[int, Work]]:
    """Each step's deliveries to the destinations ``drawn``, all others together as OTHERS."""
    rows = _within(period, figures_of(tenant_id), now).filter(name__in=(Name.DELIVERED, Name.FAILED_TRY))
    whose = Case(When(destination__in=list(drawn), then=F("destination")), default=Value(OTHERS))
    found: dict[datetime, dict[int, Work]] = defaultdict(lambda: defaultdict(Work))
    for starts_at, one, name, count in _summed(rows.annotate(whose=whose), "starts_at", "whose", "name"):
        found[starts_at][one].add(name, "", count)
    return {starts_at: dict(of) for starts_at, of in found.items()}


def by_tenant(tenant_id: int | None, now: datetime) -> dict[int, Work]:
    """The last hour of each tenant; ``received`` of the last RATE_MINUTES only, for a rate of now."""
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
    """All together."""
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
    """Delete what no chart shows any more; returns how many rows went."""
    removed = 0
    for step, kept in KEPT.items():
        old = Figure.objects.filter(step=step, starts_at__lt=timezone.now() - kept).values_list("pk", flat=True)
        while some := list(old[:REMOVED_AT_ONCE]):
            removed += Figure.objects.filter(pk__in=some).delete()[0]
    return removed
