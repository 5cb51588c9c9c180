"""Answers of proxied reads, kept in memory until a thread compares them; the request's thread only adds them.

    saw_order, saw_found -> memory -> once a second: judging, rows

A difference is decided JUDGED_AFTER_SECONDS after its read: the event that explains it may still arrive, and then the
copy was stale, not wrong. Memory is bounded: answers beyond it are counted as dropped. Answers in the memory of a
process that dies are lost; the next read compares again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from orders.database.write_behind import Collector
from orders.documents import translate_status
from orders.models import ComparisonHour, Tenant
from orders.values.order_key import OrderKey

MEMORY_BYTES = 32 * 1024 * 1024
"""Per process: some 10,000 reads of usual orders, or 30 of the largest."""
OVERHEAD_BYTES = 500
"""Memory per order beside its document; also the size of a search's three members."""
WAY = ComparisonHour.Way

log = structlog.get_logger("orderhub.migration")


@dataclass(frozen=True, slots=True)
class Seen:
    """The own system's answer about one order. Reads with the same answer are merged; ``times`` counts them."""

    key: OrderKey
    way: str
    began: float
    """Monotonic time of this process, taken before the tenant's own system was asked."""
    there: bytes | tuple[str, str] | None
    """The answer as the reader got it; (customer id, status) in a search; None: the order is unknown there."""
    times: int = 1

    @property
    def size(self) -> int:
        return OVERHEAD_BYTES + (len(self.there) if isinstance(self.there, bytes) else 0)

    def after(self, earlier: Seen) -> Seen:
        return replace(self, began=earlier.began, times=earlier.times + self.times)

    @property
    def is_listed(self) -> bool:
        """Whether it is from a search, which answers three members only."""
        return self.way == WAY.SEARCH

    @property
    def subject(self) -> tuple[OrderKey, bool]:
        return self.key, self.is_listed


@dataclass(frozen=True, slots=True)
class _Search:
    """The answer of a search as received."""

    tenant: Tenant
    business_unit_id: str
    began: float
    orders: list[dict[str, Any]]

    @property
    def size(self) -> int:
        return OVERHEAD_BYTES * len(self.orders)

    def seen(self) -> Iterable[Seen]:
        for order in self.orders:
            key = OrderKey(self.tenant.pk, self.business_unit_id, order["customerOrderId"])
            status = translate_status(order, self.tenant.status_map)["status"]
            yield Seen(key, WAY.SEARCH, self.began, (order["customerId"], status))


class _Answers(Collector):
    name = "shadow-comparison"

    def forget(self) -> None:
        super().forget()
        self.pending: list[Seen | _Search] = []
        self.too_recent: dict[tuple[OrderKey, bool], Seen] = {}
        """Differences found less than JUDGED_AFTER_SECONDS after their read."""
        self.used_bytes = 0
        self.dropped: Counter[tuple[int, str]] = Counter()

    @property
    def holds_any(self) -> bool:
        return bool(self.pending or self.too_recent or self.dropped)

    def add(self, answer: Seen | _Search, *, tenant_id: int, way: str) -> None:
        with self.lock:
            if self.used_bytes + answer.size <= MEMORY_BYTES:
                self.used_bytes += answer.size
                self.pending.append(answer)
            else:
                self.dropped[tenant_id, way] += answer.size // OVERHEAD_BYTES if isinstance(answer, _Search) else 1
        self.start()

    def write(self) -> None:
        """Compare the collected answers. If it fails, the answers it had taken are lost."""
        from orders.cutover.comparison import judging, rows

        with self.writing:
            seen, dropped = self._take(began_before=time.monotonic() - judging.JUDGED_AFTER_SECONDS)
            judged, too_recent = judging.judge(seen) if seen else ([], [])
            resolved = self._resolved({one.seen.subject for one in judged if one.outcome == judging.Outcome.MATCHED})
            self._keep(too_recent)
            rows.write(judged, resolved, dropped)

    def _take(self, *, began_before: float) -> tuple[list[Seen], Counter[tuple[int, str]]]:
        """The new answers, after the kept differences that may be decided now; and how many were dropped."""
        with self.lock:
            pending, self.pending = self.pending, []
            old_enough = [one for one in self.too_recent.values() if one.began <= began_before]
            for one in old_enough:
                del self.too_recent[one.subject]
            dropped, self.dropped = self.dropped, Counter()
            self.used_bytes -= sum(one.size for one in [*pending, *old_enough])
        read = (one for each in pending for one in ([each] if isinstance(each, Seen) else each.seen()))
        return _merged([*old_enough, *read]), dropped

    def _resolved(self, matched: set[tuple[OrderKey, bool]]) -> list[Seen]:
        """Kept differences that a later read no longer found."""
        with self.lock:
            resolved = [self.too_recent.pop(subject) for subject in matched & self.too_recent.keys()]
            self.used_bytes -= sum(one.size for one in resolved)
        return resolved

    def _keep(self, too_recent: Iterable[Seen]) -> None:
        """Keep the newest answer of each order, with the time of the first that differed."""
        with self.lock:
            for one in too_recent:
                same = self.too_recent.get(one.subject)
                self.too_recent[one.subject] = one if same is None else one.after(same)
                self.used_bytes += one.size - (same.size if same else 0)


def _merged(seen: Iterable[Seen]) -> list[Seen]:
    """Merge reads with the same answer, with the first one's time; ordered by the last read."""
    found: dict[tuple[OrderKey, str, object], Seen] = {}
    for one in seen:
        same = found.pop((one.key, one.way, one.there), None)
        found[one.key, one.way, one.there] = one if same is None else one.after(same)
    return list(found.values())


_answers = _Answers()


def saw_order(
    tenant: Tenant,
    business_unit_id: str,
    customer_order_id: str,
    body: bytes | None,
    *,
    began: float,
    way: str = WAY.READ,
) -> None:
    """Collect what a reader got of one order (None: unknown there). Only while migrating; never raises or blocks."""
    if tenant.mode == Tenant.Mode.MIGRATING:
        key = OrderKey(tenant.pk, business_unit_id, customer_order_id)
        _add(Seen(key, way, began, body), tenant_id=tenant.pk, way=way)


def saw_found(tenant: Tenant, business_unit_id: str, orders: list[dict[str, Any]], *, began: float) -> None:
    """Collect what a search found, as the tenant's own system answered. The caller must not change the list later."""
    if tenant.mode == Tenant.Mode.MIGRATING and orders:
        _add(_Search(tenant, business_unit_id, began, orders), tenant_id=tenant.pk, way=WAY.SEARCH)


def _add(answer: Seen | _Search, *, tenant_id: int, way: str) -> None:
    try:
        _answers.add(answer, tenant_id=tenant_id, way=way)
    except Exception as error:  # logged; a fault in comparing must not fail the read
        log.error("an answer could not be kept for comparing", tenant_id=tenant_id, exc_info=error)


def write() -> None:
    """Compare this process's collected answers now."""
    _answers.write()
