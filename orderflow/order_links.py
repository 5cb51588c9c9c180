"""The button on an order's page that leads to what the tenant's warehouses would get of it and hold of it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from orderflow.models import OrderFlowChannel
from orders.integrations.order_links import OrderLink
from orders.values.order_key import OrderKey


def links(key: OrderKey) -> list[OrderLink]:
    """Named in ``settings.ORDER_LINKS``."""
    if not OrderFlowChannel.objects.filter(destination__tenant=key.tenant_id).exists():
        return []
    place = {"tenant": key.tenant_id, "unit": key.business_unit_id, "order": key.customer_order_id}
    page = reverse("admin:orderflow_warehouseorder_warehouses")
    return [OrderLink("Show what warehouses would get and hold", f"{page}?{urlencode(place)}")]
