"""Contract drift: answers of external services that differ from the contract.

A read only adds to counters in memory; a thread of the process writes them to the database once a second. What a
process had not written when it died is lost: the next answer shows the same drift again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from orders.database.write_behind import Collector
from orders.documents import Mismatch
from orders.values.storable_text import storable
from proxy.models import ContractDrift

KINDS_MOST = 5_000
"""Different kinds of drift kept in memory until the next write; more are not counted."""

ROWS_PER_TENANT = 500
"""A service that uses ids as member names must not fill the table; nobody reads more rows than this."""

_PLACE_IN_A_LIST = re.compile(r"/\d+(?=/|$)")


class Drift(NamedTuple):
    tenant_id: int
    pointer: str
    expected: str
    found: str


class _Observations(Collector):
    """Drift that is counted and not written yet."""

    name = "contract-drift"

    def forget(self) -> None:
        super().forget()
        self.counts: Counter[Drift] = Counter()

    @property
    def holds_any(self) -> bool:
        return bool(self.counts)

    def add(self, seen: Iterable[Drift]) -> None:
        with self.lock:
            for drift in seen:
                if drift in self.counts or len(self.counts) < KINDS_MOST:
                    self.counts[drift] += 1
        self.start()

    def write(self) -> None:
        with self.lock:
            taken = dict(self.counts)
            self.counts.clear()
        with self.writing:
            for drift, count in taken.items():
                _write(drift, count)


_observations = _Observations()


def note(tenant_id: int, mismatches: Iterable[Mismatch]) -> None:
    """Count where an answer left the contract. Never touches the database."""
    seen = [_drift(tenant_id, mismatch) for mismatch in mismatches]
    if seen:
        _observations.add(seen)


def write() -> None:
    """Write what this process counted, now."""
    _observations.write()


def _drift(tenant_id: int, mismatch: Mismatch) -> Drift:
    """All lines of an order are one kind of drift: the index in a list is written as ``*``."""
    pointer = _PLACE_IN_A_LIST.sub("/*", mismatch.pointer)
    return Drift(tenant_id, storable(pointer, 300), mismatch.expected[:300], mismatch.found[:100])


def _write(drift: Drift, count: int) -> None:
    now = timezone.now()
    row = ContractDrift.objects.filter(**drift._asdict())
    if row.update(count=F("count") + count, last_seen_at=now):
        return
    if ContractDrift.objects.filter(tenant_id=drift.tenant_id).count() >= ROWS_PER_TENANT:
        return
    with transaction.atomic():
        _, made = ContractDrift.objects.get_or_create(
            **drift._asdict(), defaults={"count": count, "first_seen_at": now, "last_seen_at": now}
        )
    if not made:
        row.update(count=F("count") + count, last_seen_at=now)
