"""The reads of a migrating tenant: what its own system answers goes into the ledger and to the comparison."""

from __future__ import annotations

import time
from typing import Any

from orders.cutover import ledger
from orders.cutover.comparison import answers
from orders.integrations.sources import FoundOrder, Search
from orders.models import KnownOrder, Tenant
from orders.values.problems import UnknownOrder
from proxy.reads import Reads


class ComparedReads(Reads):
    def order(self, tenant: Tenant, business_unit_id: str, customer_order_id: str) -> FoundOrder:
        found = self.read(tenant, business_unit_id, customer_order_id, way=answers.WAY.READ)
        ledger.saw(tenant, business_unit_id, [customer_order_id], how=KnownOrder.How.READ)
        return found

    def read(self, tenant: Tenant, business_unit_id: str, customer_order_id: str, *, way: str) -> FoundOrder:
        """Compared, and not put into the ledger."""
        began = time.monotonic()
        place = (business_unit_id, customer_order_id)
        try:
            found = super().order(tenant, *place)
        except UnknownOrder:
            answers.saw_order(tenant, *place, None, began=began, way=way)
            raise
        answers.saw_order(tenant, *place, found.body, began=began, way=way)
        return found

    def found(self, tenant: Tenant, business_unit_id: str, wanted: Search) -> list[dict[str, Any]]:
        began = time.monotonic()
        found = super().found(tenant, business_unit_id, wanted)
        known = (order["customerOrderId"] for order in found)
        ledger.saw(tenant, business_unit_id, known, how=KnownOrder.How.SEARCH)
        answers.saw_found(tenant, business_unit_id, found, began=began)
        return found
