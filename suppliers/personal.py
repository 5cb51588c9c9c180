"""What suppliers reported of an order, when its customer is erased (``settings.PERSONAL_STORES``)."""

from __future__ import annotations

from collections.abc import Iterator

from orders.integrations.erasure import (
    Erasure,
    Step,
)
from orders.models import OrderQueue
from suppliers.models import PartDelivery, SupplierEvent, SupplierPart


def erase(queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
    """By value: free words of a supplier may name the customer. Digests and tokens stay."""
    place, text = queue.key._asdict(), erasure.text()
    parts = SupplierPart.objects.filter(**place)
    ids = list(parts.values_list("pk", flat=True))
    reports, parcels = SupplierEvent.objects.filter(part__in=ids), PartDelivery.objects.filter(part__in=ids)
    words = {"status": text, "carrier": text, "tracking_url": text}
    yield from erasure.rewrite("supplier reports", reports, {"body": erasure.body()})
    yield from erasure.rewrite("supplier statuses", parts, {"status": text, "status_comment": text})
    yield from erasure.rewrite("supplier deliveries", parcels, words)
