"""What proxied reads were answered, held until it is compared. The request's thread only puts it here.

    saw_order, saw_found -> held in memory -> once a second judging, rows

A difference is judged SETTLE_SECONDS after its read: the event that makes up for it may be on its way, and then the
copy was stale, not wrong. Bounded by size: what finds no room is counted as dropped. What a process holds when it
dies is lost; the next read compares again.
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

HELD_BYTES = 32 * 1024 * 1024
"""Per process: some 10,000 reads of usual orders, or 30 of the largest."""
OVERHEAD_BYTES = 500
"""What holding one order costs beside its document; about as much as a search's three members."""
WAY = ComparisonHour.Way

log = structlog.get_logger("orderhub.migration")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one order looked like there. Reads with the same answer are one, ``times`` counts them."""

    key: OrderKey
    way: str
    began: float
    """By this process's monotonic clock, before the tenant's own system was asked."""
    there: bytes | tuple[str, str] | None
    """The answer as the reader got it; (customer id, status) in a search; None: unknown there."""
    times: int = 1

    @property
    def size(self) -> int:
        return OVERHEAD_BYTES + (len(self.there) if isinstance(self.there, bytes) else 0)

    def after(self, earlier: Seen) -> Seen:
        return replace(self, began=earlier.began, times=earlier.times + self.times)

    @property
    def is_listed(self) -> bool:
        """A search tells of three members only."""
        return self.way == WAY.SEARCH

    @property
    def subject(self) -> tuple[OrderKey, bool]:
        return self.key, self.is_listed


@dataclass(frozen=True, slots=True)
class _Search:
    """A search's answer as it came."""

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
        self.unsettled: dict[tuple[OrderKey, bool], Seen] = {}
        self.held_bytes = 0
        self.dropped: Counter[tuple[int, str]] = Counter()

    @property
    def holds_any(self) -> bool:
        return bool(self.pending or self.unsettled or self.dropped)

    def add(self, answer: Seen | _Search, *, tenant_id: int, way: str) -> None:
        with self.lock:
            if self.held_bytes + answer.size <= HELD_BYTES:
                self.held_bytes += answer.size
                self.pending.append(answer)
            else:
                self.dropped[tenant_id, way] += answer.size // OVERHEAD_BYTES if isinstance(answer, _Search) else 1
        self.start()

    def write(self) -> None:
        """Compare what is held. A failed turn loses what it had taken."""
        from orders.cutover.comparison import (
            judging,
            rows,
        )

        with self.writing:
            seen, dropped = self._take(settled_before=time.monotonic() - judging.SETTLE_SECONDS)
            judged, unsettled = judging.judge(seen) if seen else ([], [])
            passed = self._passed({one.seen.subject for one in judged if one.outcome == judging.Outcome.MATCHED})
            self._wait_for(unsettled)
            rows.write(judged, passed, dropped)

    def _take(self, *, settled_before: float) -> tuple[list[Seen], Counter[tuple[int, str]]]:
        """What was read since, after what may be judged by now."""
        with self.lock:
            pending, self.pending = self.pending, []
            settled = [one for one in self.unsettled.values() if one.began <= settled_before]
            for one in settled:
                del self.unsettled[one.subject]
            dropped, self.dropped = self.dropped, Counter()
            self.held_bytes -= sum(one.size for one in [*pending, *settled])
        read = (one for each in pending for one in ([each] if isinstance(each, Seen) else each.seen()))
        return _together([*settled, *read]), dropped

    def _passed(self, matched: set[tuple[OrderKey, bool]]) -> list[Seen]:
        """Differences that were waiting to be judged and that a later read no longer found."""
        with self.lock:
            passed = [self.unsettled.pop(subject) for subject in matched & self.unsettled.keys()]
            self.held_bytes -= sum(one.size for one in passed)
        return passed

    def _wait_for(self, unsettled: Iterable[Seen]) -> None:
        """The newest answer of each order is kept, with the time of the first that differed."""
        with self.lock:
            for one in unsettled:
                same = self.unsettled.get(one.subject)
                self.unsettled[one.subject] = one if same is None else one.after(same)
                self.held_bytes += one.size - (same.size if same else 0)


def _together(seen: Iterable[Seen]) -> list[Seen]:
    """Reads that got the same are one, begun with the first of them; in the order in which they were last read."""
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
    """What a reader got of one order (None: it is unknown there). Only while migrating; never raises, never waits."""
    if tenant.mode == Tenant.Mode.MIGRATING:
        key = OrderKey(tenant.pk, business_unit_id, customer_order_id)
        _add(Seen(key, way, began, body), tenant_id=tenant.pk, way=way)


def saw_found(tenant: Tenant, business_unit_id: str, orders: list[dict[str, Any]], *, began: float) -> None:
    """All that a search found, as the tenant's own system said it; the list is not changed by anybody afterwards."""
    if tenant.mode == Tenant.Mode.MIGRATING and orders:
        _add(_Search(tenant, business_unit_id, began, orders), tenant_id=tenant.pk, way=WAY.SEARCH)


def _add(answer: Seen | _Search, *, tenant_id: int, way: str) -> None:
    try:
        _answers.add(answer, tenant_id=tenant_id, way=way)
    except Exception as error:  # logged; comparing must not cost a reader the answer
        log.error("an answer could not be kept for comparing", tenant_id=tenant_id, exc_info=error)


def write() -> None:
    """Compare what this process holds, now."""
    _answers.write()
