"""What warehouses said of an order, when its customer is erased (``settings.PERSONAL_STORES``)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F

from orderflow.models import Despatch, WarehouseOrder
from orders.integrations.erasure import (
    Erasure,
    Step,
)
from orders.models import OrderQueue


def erase(queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
    """By value. The reference and the digests of what was owed and is held stay: nothing is imported anew."""
    text = erasure.text()
    places = WarehouseOrder.objects.filter(
        channel__destination__tenant=queue.tenant_id,
        business_unit_id=queue.business_unit_id,
        customer_order_id=queue.customer_order_id,
    )
    told = Despatch.objects.filter(channel__orders__in=places, order_reference=F("channel__orders__reference"))
    yield from erasure.rewrite("warehouse refusals", places, {"failure": text})
    yield from erasure.rewrite("despatches", told, {"state": text, "courier": text, "tracking_url": text})
