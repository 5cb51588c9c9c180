"""What comparing keeps of an order, when its customer is erased (``settings.PERSONAL_STORES``)."""

from __future__ import annotations

from collections.abc import Iterator

from orders.integrations.erasure import (
    Erasure,
    Step,
)
from orders.models import Difference, OrderQueue


def erase(queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
    """By the members around each value: what the tenant's own system answered may be known nowhere else."""
    payload = erasure.payload()
    rows = Difference.objects.filter(queue=queue)
    yield from erasure.rewrite("differences", rows, {"here": payload, "there": payload})
