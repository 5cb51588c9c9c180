"""Orders of tenants in proxy mode (and migrating): read from their own OMS, not kept (orders.integrations.sources)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from django.db import DatabaseError

from orders.access.throttle import Throttle
from orders.cutover import ledger
from orders.cutover.comparison import answers
from orders.http.correlation import correlation_id
from orders.integrations.sources import (
    FoundOrder,
    FoundPage,
    Search,
)
from orders.models import KnownOrder, Tenant
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
from proxy.contract import cut_of, found_in, order_of
from proxy.forwarding import read_order, search_orders

Found = TypeVar("Found", FoundOrder, FoundPage)

RECORDED = (ExternalContract, ExternalTimeout, ExternalUnavailable)
"""Failures of the external service itself. A read that was not even tried (breaker open, no credentials) is none."""

TOLD_OF_AN_ORDER = Throttle("proxy-told-of-an-order", most=5, seconds=600)
TOLD_OF_A_TENANT = Throttle("proxy-told-of-a-tenant", most=100, seconds=600)
"""Lines that failed reads may add to timelines. A till asks again every few seconds, and an answer off the contract
does not open the breaker: a bad day would add a row for each read. A person reads the first few; the rest are counted
in the charts."""
LAST_TOLD = "Further failed reads of the next minutes are counted in the charts, not told here."

NOT_ASKED = (ExternalBusy, ProxyNotConfigured)

log = structlog.get_logger(__name__)


class ProxiedOrders:
    """Reads each order from the tenant's own system."""

    def get(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        def read() -> FoundOrder:
            found = self._compared(tenant, business_unit_id, customer_order_id, way=answers.WAY.READ)
            ledger.saw(tenant, business_unit_id, [customer_order_id], how=KnownOrder.How.READ)
            return found

        return _recorded(OrderKey(tenant.pk, business_unit_id, customer_order_id), "Read", read)

    def compare(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> None:
        """Read an order for no reader, only to be compared with the stored copy: no figure, nothing on its timeline."""
        with suppress(UnknownOrder):
            self._compared(tenant, business_unit_id, customer_order_id, way=answers.WAY.SWEEP)

    def _compared(self, tenant: Tenant, business_unit_id: str, customer_order_id: str, *, way: str) -> FoundOrder:
        began = time.monotonic()
        place = (business_unit_id, customer_order_id)
        try:
            answer = read_order(tenant, *place)
        except UnknownOrder:
            answers.saw_order(tenant, *place, None, began=began, way=way)
            raise
        found = order_of(tenant, answer, customer_order_id=customer_order_id)
        answers.saw_order(tenant, *place, found.body, began=began, way=way)
        return found

    def search(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> FoundPage:
        """A failed search is told on an order's timeline only when it asked for one order."""

        def read() -> FoundPage:
            began = time.monotonic()
            answer = search_orders(tenant, business_unit_id, wanted.raw)
            found = found_in(tenant, answer, customer_order_id=one_order)
            known = (order["customerOrderId"] for order in found)
            ledger.saw(tenant, business_unit_id, known, how=KnownOrder.How.SEARCH)
            answers.saw_found(tenant, business_unit_id, found, began=began)
            return cut_of(tenant, found, skip=wanted.skip, take=wanted.take)

        one_order = wanted.criteria.customer_order_id
        return _recorded(OrderKey(tenant.pk, business_unit_id, one_order or ""), "Search", read)


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
    """For the charts. An order that the service does not know is an answer like any other."""
    asked = not isinstance(problem, NOT_ASKED)
    failure = "" if problem is None or isinstance(problem, UnknownOrder) else problem.name
    counters.read(tenant_id, (time.perf_counter() - began) * 1000 if asked else None, failure=failure)


def _told(key: OrderKey) -> int:
    """How many lines the order will have been told of lately, this one included; 0 where it is not to be told."""
    told = TOLD_OF_AN_ORDER.count("\n".join(map(str, key)))
    if told > TOLD_OF_AN_ORDER.most or TOLD_OF_A_TENANT.count(str(key.tenant_id)) > TOLD_OF_A_TENANT.most:
        return 0
    return told


def _record(key: OrderKey, what: str, problem: Problem) -> None:
    """On the timeline and in the log, with the words for ops. A timeline that cannot be written changes no answer."""
    detail = str(problem.__cause__ or problem.detail)
    places = [f"{fault.pointer}: {fault.detail}" for fault in problem.errors[:20]]
    log.warning("proxied read failed", tenant_id=key.tenant_id, problem=problem.name, detail=detail, places=places)
    told = _told(key) if key.customer_order_id else 0
    if not told:
        return
    last = [LAST_TOLD] if told == TOLD_OF_AN_ORDER.most else []
    try:
        timeline_entries.record(
            key,
            road="proxy",
            what=f"{what} failed: {problem.title}",
            detail="\n".join([detail, *places, *last]),
            correlation_id=correlation_id(),
        )
    except DatabaseError as error:
        log.warning("timeline not written; the read was answered all the same", error=str(error))
