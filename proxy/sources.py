"""Orders of tenants in proxy mode (and migrating): read from their own OMS, nothing kept here (see orders.sources)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import DatabaseError

from orders import timeline
from orders.api.correlation import correlation_id
from orders.channels import OrderKey
from orders.models import Tenant
from orders.problems import ExternalContract, ExternalTimeout, ExternalUnavailable, Problem
from orders.sources import FoundOrder, FoundPage, Search
from proxy.contract import order_of, page_of
from proxy.forwarding import read_order, search_orders

Found = TypeVar("Found", FoundOrder, FoundPage)

RECORDED = (ExternalContract, ExternalTimeout, ExternalUnavailable)
"""Failures of the external service itself. A read that was not even tried (breaker open, no credentials) is none."""

log = structlog.get_logger(__name__)


class ProxiedOrders:
    """The source of ``settings.ORDER_SOURCES["proxy"]``."""

    def get(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        def read() -> FoundOrder:
            answer = read_order(tenant, business_unit_id, customer_order_id)
            return order_of(tenant, answer, customer_order_id=customer_order_id)

        return _recorded(OrderKey(tenant.pk, business_unit_id, customer_order_id), "Read", read)

    def search(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> FoundPage:
        """A failed search is told on an order's timeline only when it asked for one order."""

        def read() -> FoundPage:
            answer = search_orders(tenant, business_unit_id, wanted.raw)
            return page_of(tenant, answer, skip=wanted.skip, take=wanted.take, customer_order_id=one_order)

        one_order = wanted.criteria.customer_order_id
        return _recorded(OrderKey(tenant.pk, business_unit_id, one_order or ""), "Search", read)


def _recorded(key: OrderKey, what: str, read: Callable[[], Found]) -> Found:
    try:
        return read()
    except RECORDED as problem:
        _record(key, what, problem)
        raise


def _record(key: OrderKey, what: str, problem: Problem) -> None:
    """On the timeline and in the log, with the words for ops. A timeline that cannot be written changes no answer."""
    detail = str(problem.__cause__ or problem.detail)
    places = [f"{fault.pointer}: {fault.detail}" for fault in problem.errors[:20]]
    log.warning("proxied_read_failed", tenant_id=key.tenant_id, problem=problem.name, detail=detail, places=places)
    if not key.customer_order_id:
        return
    try:
        timeline.record(
            key,
            road="proxy",
            what=f"{what} failed: {problem.title}",
            detail="\n".join([detail, *places]),
            correlation_id=correlation_id(),
        )
    except DatabaseError as error:
        log.warning("timeline_not_written", error=str(error))
