"""Which items the tenant's warehouses take (domain/orderflow.md section 2)."""

from __future__ import annotations

from orderflow.models import OrderFlowChannel
from orders.integrations.order_links import Taker


def takers(tenant_id: int) -> list[Taker]:
    """Named in ``settings.ITEM_TAKERS``."""
    channels = OrderFlowChannel.objects.filter(destination__tenant=tenant_id, destination__active=True)
    return [
        Taker("warehouse", channel.destination.name, channel.item_patterns, channel.business_units)
        for channel in channels.select_related("destination").order_by("pk")
    ]
