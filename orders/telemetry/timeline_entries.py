"""Happenings of an order that no row of their own tells (docs/design/architecture.md#what-a-person-sees)."""

from __future__ import annotations

from orders.models import TimelineEntry
from orders.values.order_key import OrderKey
from orders.values.storable_text import storable


def record(
    key: OrderKey, *, road: str, what: str, detail: str = "", correlation_id: str = "", reference: str = ""
) -> None:
    """Add one line to the order's timeline. ``road``: events | proxy | supplier | warehouse | operator."""
    TimelineEntry.objects.create(
        tenant_id=key.tenant_id,
        business_unit_id=key.business_unit_id,
        customer_order_id=key.customer_order_id,
        road=road,
        what=what[:200],
        detail=storable(detail),
        correlation_id=correlation_id,
        reference=reference,
    )
