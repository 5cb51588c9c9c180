"""Conditions of a PUT (docs/reference/api.md#conditions), decided under the lock of the order's queue row."""

from __future__ import annotations

from dataclasses import dataclass

from orders.inbox.stored_orders import etag_of
from orders.models import Order, OrderQueue
from orders.values.order_key import OrderKey
from orders.values.problems import PreconditionFailed

ANY = "*"


@dataclass(frozen=True, slots=True)
class Conditions:
    """None of them holds of itself: without any, ``bool`` is False."""

    matches: frozenset[str] = frozenset()
    """``If-Match``: entity tags of which the stored order has one, or ANY for any stored order."""
    is_first: bool = False
    """``If-None-Match: *``: no event of the order was accepted before."""

    def __bool__(self) -> bool:
        return bool(self.matches) or self.is_first

    def check(self, key: OrderKey) -> None:
        """Raises PreconditionFailed. In a transaction, which keeps the queue row locked until the event is stored."""
        queue = OrderQueue.objects.select_for_update(no_key=True).filter(**key._asdict()).first()
        if self.is_first and queue is not None:
            raise failed(key, "An event of this order was accepted before.")
        if not self.matches:
            return
        etag = stored_etag(key)
        if etag is None:
            raise failed(key, "No order with this id has been applied in this business unit.")
        if ANY in self.matches:
            return
        if etag not in self.matches:
            raise failed(key, "The stored order is another than the one that If-Match names.")
        if queue is not None and queue.done_sequence != queue.last_sequence:
            raise failed(key, "An accepted event of this order has not been applied yet.")


def failed(key: OrderKey, why: str) -> PreconditionFailed:
    etag = stored_etag(key)
    detail = f"{why} Nothing was stored. Read the order again, then decide."
    return PreconditionFailed(detail, headers={} if etag is None else {"ETag": etag})


def stored_etag(key: OrderKey) -> str | None:
    digest = Order.objects.filter(**key._asdict()).values_list("digest", flat=True).first()
    return None if digest is None else etag_of(digest)
