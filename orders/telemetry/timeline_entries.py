"""Timeline lines for what no other row of an order shows (docs/design/architecture.md#what-a-person-sees)."""

from __future__ import annotations

from orders.models import TimelineEntry
from orders.values.order_key import OrderKey
from orders.values.storable_text import storable


def record(
    key: OrderKey, *, source: str, what: str, detail: str = "", correlation_id: str = "", reference: str = ""
) -> None:
    """Add one line to the order's timeline. ``source``: events | proxy | supplier | warehouse | operator."""
    TimelineEntry.objects.create(
        tenant_id=key.tenant_id,
        business_unit_id=key.business_unit_id,
        customer_order_id=key.customer_order_id,
        road=source,
        what=what[:200],
        detail=storable(detail),
        correlation_id=correlation_id,
        reference=reference,
    )
