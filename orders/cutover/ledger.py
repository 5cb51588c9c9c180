"""The backfill ledger: which orders the tenant's own system is known to have.

Proxied reads and searches only add to a set in memory; a thread of the process writes it once a second. What a process
had not written when it died is lost until the next read finds it again. Beyond ``PENDING_MOST`` orders are left out
until the next write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.database.write_behind import Collector
from orders.models import KnownOrder, Tenant

PENDING_MOST = 50_000
"""Orders in memory until the next write, some 10 MB; ten searches that find 5,000 orders each in one second."""
WRITTEN_MOST = 100_000
"""Orders remembered as written, by hash, some 10 MB: a list that is searched all day is written once."""
CHUNK_ROWS = 5_000
"""Rows per statement, so that a writer keeps its locks for a short time."""

Place = tuple[str, str]
"""(business unit, order id)"""
Seen = tuple[int, str, str, str]
"""(tenant, business unit, order id, how)"""


class _Collector(Collector):
    """Orders that were seen and are not written yet."""

    name = "backfill-ledger"

    def forget(self) -> None:
        super().forget()
        self.pending: dict[tuple[int, str, str], str] = {}
        self.written: set[int] = set()

    @property
    def holds_any(self) -> bool:
        return bool(self.pending)

    def add(self, tenant_id: int, places: Iterable[Place], how: str) -> None:
        with self.lock:
            for unit, order in places:
                key = (tenant_id, unit, order)
                if len(self.pending) < PENDING_MOST and hash(key) not in self.written:
                    self.pending.setdefault(key, how)
        self.start()

    def write(self) -> None:
        """Write the pending orders. If it fails, they are lost."""
        with self.writing:
            with self.lock:
                taken, self.pending = self.pending, {}
            _insert([(*key, how) for key, how in taken.items()])
            with self.lock:
                if len(self.written) + len(taken) > WRITTEN_MOST:
                    self.written.clear()
                self.written.update(map(hash, taken))


_collector = _Collector()


def saw(tenant: Tenant, business_unit_id: str, order_ids: Iterable[str], *, how: str) -> None:
    """Note that the tenant's own system has these orders. Only while migrating; never queries the database."""
    if tenant.mode == Tenant.Mode.MIGRATING:
        _collector.add(tenant.pk, ((business_unit_id, order) for order in order_ids), how)


def write() -> None:
    """Write this process's pending orders now."""
    _collector.write()


def add(tenant_id: int, places: Iterable[Place], *, how: str) -> int:
    """Put listed orders into the ledger; returns how many were not in it."""
    return _insert([(tenant_id, unit, order, how) for unit, order in dict.fromkeys(places)])


def count(tenant_id: int, *, units: Collection[str] | None = None) -> int:
    """How many orders are in the ledger, of these business units (None: of all)."""
    known = KnownOrder.objects.filter(tenant=tenant_id)
    return known.count() if units is None else known.filter(business_unit_id__in=units).count()


def _insert(rows: Sequence[Seen]) -> int:
    """Insert in the order of the unique key, so that two writers of the same orders do not deadlock."""
    now = DatabaseClock().now() if rows else None
    ordered = [(*row, now) for row in sorted(rows)]
    return sum(
        _LEDGER.execute(_INSERT, ordered[start : start + CHUNK_ROWS]) for start in range(0, len(ordered), CHUNK_ROWS)
    )


_LEDGER = Columns(KnownOrder, "tenant", "business_unit_id", "customer_order_id", "how", "first_seen_at")
_INSERT = """
    INSERT INTO orders_knownorder (tenant_id, business_unit_id, customer_order_id, how, first_seen_at)
    SELECT * FROM ({rows}) AS seen WHERE true
    ON CONFLICT (tenant_id, business_unit_id, customer_order_id) DO NOTHING
"""
