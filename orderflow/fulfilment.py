"""The warehouses' part of an order's fulfilment (docs/reference/api.md#fulfilment-and-stock)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from orderflow.despatches import tracked
from orderflow.models import Despatch, WarehouseOrder
from orders.values.instants import instant
from orders.values.order_key import OrderKey

EXPONENT_MOST = 30
"""As of an order's numbers (docs/reference/customer-order.md#numbers)."""


def parts(key: OrderKey) -> list[dict[str, Any]]:
    """One entry per warehouse to which the order was sent or is pending, by channel."""
    rows = WarehouseOrder.objects.filter(
        channel__destination__tenant=key.tenant_id,
        customer_order_id=key.customer_order_id,
        business_unit_id=key.business_unit_id,
    )
    sent = rows.exclude(owed=WarehouseOrder.Owed.NOTHING).select_related("channel__destination")
    return [
        {
            "channelId": row.channel.destination.name,
            "reference": row.reference,
            "state": _state(row),
            "failure": row.failure or None,
            "despatches": [_despatch(despatch) for despatch in tracked(row)],
        }
        for row in sent.order_by("channel__destination__name")
    ]


def _despatch(despatch: Despatch) -> dict[str, Any]:
    return {
        "reference": despatch.reference,
        "courier": despatch.courier or None,
        "trackingUrl": despatch.tracking_url or None,
        "completed": instant(despatch.completed_at),
        "items": [{"itemId": sku, "quantity": _number(text)} for sku, text in despatch.lines.items()],
    }


def _number(text: str) -> Decimal | None:
    """A quantity as the warehouse wrote it; null for what is no number."""
    try:
        number = Decimal(text)
    except (InvalidOperation, TypeError):
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= EXPONENT_MOST else None


def _state(row: WarehouseOrder) -> str:
    """What the warehouse is known to hold; an order withdrawn before it was sent counts as cancelled."""
    if row.failure:
        return "failed"
    withdrawn = row.owed == WarehouseOrder.Owed.CANCEL and row.state == WarehouseOrder.State.ABSENT
    if withdrawn or row.state == WarehouseOrder.State.CANCELLED:
        return "cancelled"
    return "imported" if row.state == WarehouseOrder.State.HELD else "waiting"
