"""Orders of tenants in proxy mode (and migrating): read from their own OMS, not kept (orders.integrations.sources)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from django.db import DatabaseError

from orders.access.throttle import Throttle
from orders.http.correlation import correlation_id
from orders.integrations.sources import FoundOrder, FoundPage, Search
from orders.models import ComparisonHour, Tenant
from orders.telemetry import counters, timeline_entries
from orders.values.order_key import OrderKey
from orders.values.problems import (
    ExternalBusy,
    ExternalContract,
    ExternalTimeout,
    ExternalUnavailable,
    Problem,
    ProxyNotConfigured,
    UnknownOrder,
)
from proxy.contract import cut_of
from proxy.migrating import ComparedReads
from proxy.reads import Reads

Found = TypeVar("Found", FoundOrder, FoundPage)

RECORDED = (ExternalContract, ExternalTimeout, ExternalUnavailable)
"""Failures of the external service itself, not reads that were never sent (breaker open, no credentials)."""

ENTRIES_OF_ORDER = Throttle("proxy-timeline-of-order", most=5, seconds=600)
ENTRIES_OF_TENANT = Throttle("proxy-timeline-of-tenant", most=100, seconds=600)
"""Timeline entries that failed reads may add. A till asks again every few seconds, and contract drift does not open the
breaker, so a bad day could add a row for each read. A person reads the first few; the charts count all."""
LAST_ENTRY = "Further failed reads of the next minutes are counted in the charts and not shown here."

NOT_ASKED = (ExternalBusy, ProxyNotConfigured)

log = structlog.get_logger(__name__)


class ProxiedOrders:
    """Reads each order from the tenant's own system."""

    def get(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        def read() -> FoundOrder:
            return _reads_of(tenant).order(tenant, business_unit_id, customer_order_id)

        return _recorded(OrderKey(tenant.pk, business_unit_id, customer_order_id), "Read", read)

    def compare(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> None:
        """Read an order only to compare it with the stored copy: not counted in figures, not on the timeline."""
        with suppress(UnknownOrder):
            _COMPARED.read(tenant, business_unit_id, customer_order_id, way=ComparisonHour.Way.SWEEP)

    def search(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> FoundPage:
        """One page. A failed search is on an order's timeline only when it asked for one order."""

        def read() -> FoundPage:
            found = _reads_of(tenant).found(tenant, business_unit_id, wanted)
            return cut_of(tenant, found, skip=wanted.skip, take=wanted.take)

        one_order = wanted.criteria.customer_order_id
        return _recorded(OrderKey(tenant.pk, business_unit_id, one_order or ""), "Search", read)


def _reads_of(tenant: Tenant) -> Reads:
    """The one place where the ledger and the comparison of a migrating tenant hook in."""
    return _COMPARED if tenant.mode == Tenant.Mode.MIGRATING else _PLAIN


_PLAIN, _COMPARED = Reads(), ComparedReads()


def _recorded(key: OrderKey, what: str, read: Callable[[], Found]) -> Found:
    began = time.perf_counter()
    try:
        found = read()
    except Problem as problem:
        _count(key.tenant_id, began, problem)
        if isinstance(problem, RECORDED):
            _record(key, what, problem)
        raise
    _count(key.tenant_id, began)
    return found


def _count(tenant_id: int, began: float, problem: Problem | None = None) -> None:
    """Count the read for the charts. An unknown order is a successful answer."""
    asked = not isinstance(problem, NOT_ASKED)
    failure = "" if problem is None or isinstance(problem, UnknownOrder) else problem.name
    counters.read(tenant_id, (time.perf_counter() - began) * 1000 if asked else None, failure=failure)


def _entry_number(key: OrderKey) -> int:
    """The number of this entry among the order's recent ones, from 1; 0 when it must not be written."""
    number = ENTRIES_OF_ORDER.count("\n".join(map(str, key)))
    if number > ENTRIES_OF_ORDER.most or ENTRIES_OF_TENANT.count(str(key.tenant_id)) > ENTRIES_OF_TENANT.most:
        return 0
    return number


def _record(key: OrderKey, what: str, problem: Problem) -> None:
    """Log the failure and add it to the timeline, with details for operators. A failed write changes no answer."""
    detail = str(problem.__cause__ or problem.detail)
    places = [f"{fault.pointer}: {fault.detail}" for fault in problem.errors[:20]]
    log.warning("proxied read failed", tenant_id=key.tenant_id, problem=problem.name, detail=detail, places=places)
    number = _entry_number(key) if key.customer_order_id else 0
    if not number:
        return
    last = [LAST_ENTRY] if number == ENTRIES_OF_ORDER.most else []
    try:
        timeline_entries.record(
            key,
            source="proxy",
            what=f"{what} failed: {problem.title}",
            detail="\n".join([detail, *places, *last]),
            correlation_id=correlation_id(),
        )
    except DatabaseError as error:
        log.warning("timeline not written; the read was answered all the same", error=str(error))
