"""Where a tenant's orders are read from: the seam between the read API and the two modes.

The view asks the tenant's source and never its mode. ``settings.ORDER_SOURCES`` names a class per mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from orders.documents import SearchCriteria
    from orders.models import Tenant


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """One order as the API answers it. ``body`` is the exact JSON text of ``{"customerOrder": {…}}``."""

    body: bytes
    sequence: int | None = None
    """Last applied sequence; None for an order that is not stored here."""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What a caller searches for: the validated criteria, the body as it came (proxy mode forwards it), the page."""

    criteria: SearchCriteria
    raw: bytes
    skip: int
    take: int


@dataclass(frozen=True, slots=True)
class FoundPage:
    """One page of a search: ``orders`` are {customerOrderId, customerId, status}."""

    orders: list[dict[str, str]]
    has_more: bool


class OrderSource(Protocol):
    def get(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        """Raises UnknownOrder, or one of the External* problems."""

    def search(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> FoundPage:
        """One page of the tenant's orders; raises one of the External* problems."""


class OwnSystem(OrderSource, Protocol):
    """The source that reads a tenant's own order service."""

    def compare(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> None:
        """Read an order for no reader, to be compared with its stored copy; raises one of the External* problems."""


@cache
def _source(path: str) -> OrderSource:
    source: OrderSource = import_string(path)()
    return source


def source_for(tenant: Tenant) -> OrderSource:
    """The source of the tenant's present mode (migrating tenants read from the OMS, which stays the truth)."""
    mode = "proxy" if tenant.mode == tenant.Mode.MIGRATING else tenant.mode
    return _source(settings.ORDER_SOURCES[mode])


def own_system() -> OwnSystem:
    """Where a migrating tenant's own order service is read."""
    return cast("OwnSystem", _source(settings.ORDER_SOURCES["proxy"]))
