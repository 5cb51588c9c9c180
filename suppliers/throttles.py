"""What one supplier may ask for in a minute."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from orders.access.throttle import Throttle


class PerSupplier(BaseThrottle):
    """Counts the calls of ``view.supplier`` over all processes. Raises Throttled (429 with Retry-After)."""

    calls: ClassVar[Throttle]

    def allow_request(self, request: Request, view: Any) -> bool:
        self.calls.use(str(view.supplier.pk))
        return True


class ListsPerSupplier(PerSupplier):
    """Looking once a second is enough for any catching up, and a loop without a pause is stopped."""

    calls = Throttle("supplier-deliveries", most=60, seconds=60)


class RedeliveriesPerSupplier(PerSupplier):
    """More than a person clicks, less than would drown the others' deliveries; ``receive`` is for masses."""

    calls = Throttle("supplier-redeliver", most=120, seconds=60)
