"""Where a tenant's orders are read from: the seam between the read API and the two modes (orders.inbox.sources)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
