"""Rows that count what is seen over and over: counted in memory, written once a second by a thread of the process.

What a process had not written when it died is lost: it is seen again soon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from orders.database.write_behind import Collector

KINDS_MOST = 5_000
"""Different rows kept in memory until the next write; more are not counted."""
ROWS_PER_TENANT = 500
"""A sender that uses ids as names must not fill the table; nobody reads more rows than this."""


class CountedRows(Collector):
    """Counts that are not written yet. A key is a NamedTuple of the row's identifying columns, ``tenant_id`` first."""

    model: type[models.Model]

    def forget(self) -> None:
        super().forget()
        self.counts: Counter[Any] = Counter()

    @property
    def holds_any(self) -> bool:
        return bool(self.counts)

    def add(self, seen: Iterable[NamedTuple]) -> None:
        """Never touches the database."""
        with self.lock:
            for key in seen:
                if key in self.counts or len(self.counts) < KINDS_MOST:
                    self.counts[key] += 1
        self.start()

    def write(self) -> None:
        with self.lock:
            taken = dict(self.counts)
            self.counts.clear()
        with self.writing:
            for key, count in taken.items():
                self._write(key._asdict(), count)

    def _write(self, columns: dict[str, Any], count: int) -> None:
        now, rows = timezone.now(), self.model._default_manager
        row = rows.filter(**columns)
        if row.update(count=F("count") + count, last_seen_at=now):
            return
        if rows.filter(tenant_id=columns["tenant_id"]).count() >= ROWS_PER_TENANT:
            return
        with transaction.atomic():
            _, made = rows.get_or_create(
                **columns, defaults={"count": count, "first_seen_at": now, "last_seen_at": now}
            )
        if not made:
            row.update(count=F("count") + count, last_seen_at=now)
