"""The reads of a tenant's own system: asked, and checked against the contract."""

from __future__ import annotations

from typing import Any

from orders.integrations.sources import FoundOrder, Search
from orders.models import Tenant
from proxy.contract import found_in, order_of
from proxy.forwarding import read_order, search_orders
from proxy.searching import asked


class Reads:
    """Raises UnknownOrder, or a problem of the external service."""

    def order(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        answer = read_order(tenant, business_unit_id, customer_order_id)
        return order_of(tenant, answer, customer_order_id=customer_order_id)

    def found(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> list[dict[str, Any]]:
        """All that a search finds and that answers it, in the words of the tenant's own system."""
        search = asked(wanted.raw, wanted.criteria, tenant.status_map)
        return found_in(tenant, search_orders(tenant, business_unit_id, search.body), search)
