"""Counters for charts: kept in the memory of the process, added to the database every few seconds.

    count -> a number in memory -> a few seconds later, by a background thread, one additive upsert

Each count is added to its minute, its quarter of an hour and its hour at once, so no roll-up is needed. Only
long-lived processes write (``start``); a command or a test counts in memory and never writes.

A clean exit writes the rest. A kill loses the last seconds' figures, never work: pending work is in other rows.
A connection that breaks between a commit and its answer counts those seconds twice.
"""

from __future__ import annotations

import atexit
import time
from bisect import bisect_left
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from django.db import DatabaseError, transaction

from orders.database.bulk_sql import Columns
from orders.database.write_behind import Collector
from orders.models import Destination, Figure

KINDS_MOST = 50_000
"""Different counters kept while the database is away (an hour of 100 busy tenants); further ones are not counted."""
LENGTHS_MS = (
    5, 10, 20, 40, 70, 100, 150, 200, 300, 500, 800, 1_200, 2_000, 3_000, 5_000, 10_000, 30_000, 60_000, 300_000,
)  # fmt: skip
"""Upper bounds of the histogram's ranges: some 30 % apart where partners answer; 300 s is the longest call."""

log = structlog.get_logger("orderhub.figures")


class _Key(NamedTuple):
    minute: int
    tenant_id: int
    destination: int
    name: str
    label: str


class _Counters(Collector):
    """Counts that are not written yet."""

    name = "figures"
    write_seconds = 5.0
    """How old a chart may be; the home page polls no faster."""

    def forget(self) -> None:
        super().forget()
        self.counts: Counter[_Key] = Counter()
        self.has_started = False

    @property
    def holds_any(self) -> bool:
        return self.has_started and bool(self.counts)

    def add(self, tenant_id: int, name: str, *, destination: int = 0, label: str = "", count: int = 1) -> None:
        counted = _Key(int(time.time()) // 60, tenant_id, destination, name, label)
        with self.lock:
            if counted in self.counts or len(self.counts) < KINDS_MOST:
                self.counts[counted] += count
        self.start()

    def write(self) -> None:
        """Write what was counted; what cannot be written now is kept for the next time."""
        with self.writing:
            with self.lock:
                taken, self.counts = self.counts, Counter()
            if not taken:
                return
            try:
                _add_up(taken)
            except DatabaseError as error:
                with self.lock:
                    self.counts.update(taken)
                log.warning("figures not written yet", error=str(error), counts=len(taken))


_counters = _Counters()


def received(tenant_id: int, count: int = 1) -> None:
    """Events were accepted."""
    _counters.add(tenant_id, Figure.Name.RECEIVED.value, count=count)


def applied(tenant_id: int, count: int) -> None:
    _counters.add(tenant_id, Figure.Name.APPLIED.value, count=count)


def dead_event(tenant_id: int) -> None:
    _counters.add(tenant_id, Figure.Name.DEAD_EVENT.value)


def tried(destination: Destination, *, delivered: bool, dead: bool) -> None:
    """A delivery was attempted and its outcome is recorded."""
    name = Figure.Name.DELIVERED if delivered else Figure.Name.FAILED_TRY
    _counters.add(destination.tenant_id, name.value, destination=destination.pk)
    if dead:
        _counters.add(destination.tenant_id, Figure.Name.DEAD_DELIVERY.value, destination=destination.pk)


def took(destination: Destination, milliseconds: float) -> None:
    """One partner request ended, however many deliveries it carried."""
    name, label = Figure.Name.SENDING_MS.value, _length(milliseconds)
    _counters.add(destination.tenant_id, name, destination=destination.pk, label=label)


def read(tenant_id: int, milliseconds: float | None, *, failure: str = "") -> None:
    """An order was read through; ``milliseconds`` is None where the service was not asked."""
    _counters.add(tenant_id, Figure.Name.READ.value)
    if milliseconds is not None:
        _counters.add(tenant_id, Figure.Name.READ_MS.value, label=_length(milliseconds))
    if failure:
        _counters.add(tenant_id, Figure.Name.READ_FAILED.value, label=failure)


def _length(milliseconds: float) -> str:
    return str(LENGTHS_MS[min(bisect_left(LENGTHS_MS, milliseconds), len(LENGTHS_MS) - 1)])


def start() -> None:
    """From now on this process writes its counters, also at a clean exit. A second call does nothing."""
    with _counters.lock:
        first, _counters.has_started = not _counters.has_started, True
    if first:
        atexit.register(write)
    _counters.start()


def write() -> None:
    """Write what this process counted, now."""
    _counters.write()


@transaction.atomic
def _add_up(taken: Counter[_Key]) -> None:
    """Write sorted rows, so that processes which write at the same time lock them in the same order."""
    rows: Counter[tuple[object, ...]] = Counter()
    for counted, count in taken.items():
        for step in Figure.Step.values:
            starts_at = datetime.fromtimestamp(counted.minute * 60 // step * step, UTC)
            rows[(step, starts_at, *counted[1:])] += count
    _FIGURE.execute(_ADD, [(*key, count) for key, count in sorted(rows.items())])


_FIGURE = Columns(Figure, "step", "starts_at", "tenant", "destination", "name", "label", "count")
_ADD = """
    INSERT INTO orders_figure AS kept (step, starts_at, tenant_id, destination, name, label, count)
    {rows}
    ON CONFLICT (step, starts_at, tenant_id, destination, name, label)
    DO UPDATE SET count = kept.count + excluded.count
"""
