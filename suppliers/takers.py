"""Which items the tenant's suppliers take, in their order (domain/scalepoint.md section 2)."""

from __future__ import annotations

from orders.integrations.order_links import Taker
from suppliers.models import Supplier


def takers(tenant_id: int) -> list[Taker]:
    """Named in ``settings.ITEM_TAKERS``."""
    suppliers = Supplier.objects.filter(tenant=tenant_id, active=True)
    return [Taker("supplier", supplier.name, supplier.item_patterns) for supplier in suppliers.order_by("position")]
