"""The warehouses' part of an order's fulfilment (contract: HTTP API, ``fulfilment``)."""

from __future__ import annotations

from typing import Any

from orderflow.models import WarehouseOrder
from orders.channels import OrderKey


def parts(key: OrderKey) -> list[dict[str, Any]]:
    """One entry per warehouse that is or was owed the order, by channel. Named in ``settings.FULFILMENT_PARTS``."""
    rows = WarehouseOrder.objects.filter(
        channel__destination__tenant=key.tenant_id,
        customer_order_id=key.customer_order_id,
        business_unit_id=key.business_unit_id,
    )
    owed = rows.exclude(owed=WarehouseOrder.Owed.NOTHING).select_related("channel__destination")
    return [
        {
            "channelId": row.channel.destination.name,
            "reference": row.reference,
            "state": _state(row),
            "failure": row.failure or None,
            "despatches": [],
        }
        for row in owed.order_by("channel__destination__name")
    ]


def _state(row: WarehouseOrder) -> str:
    """What the warehouse is known to hold; an order withdrawn before it was sent counts as cancelled."""
    if row.failure:
        return "failed"
    withdrawn = row.owed == WarehouseOrder.Owed.CANCEL and row.state == WarehouseOrder.State.ABSENT
    if withdrawn or row.state == WarehouseOrder.State.CANCELLED:
        return "cancelled"
    return "imported" if row.state == WarehouseOrder.State.HELD else "waiting"
