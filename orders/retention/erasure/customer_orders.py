"""Which orders name a customer: those that stand, and those of which only an unapplied event is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from orders.documents import load
from orders.models import Order, OrderEvent

SET_ASIDE = (OrderEvent.Status.DEAD, OrderEvent.Status.SUPERSEDED, OrderEvent.Status.DISCARDED)
"""Events that may be all there is of an order; partial indexes find them among millions."""
CHUNK = 500
"""Bodies held in memory at a time; one has at most 1 MiB."""


def queues_of(tenant_id: int, customer_id: str, *, thorough: bool) -> set[int]:
    """Ids of the orders' queues. Not ``thorough``: an order that changed hands is found under its present customer."""
    found = set(Order.objects.filter(tenant=tenant_id, customer_id=customer_id).values_list("pk", flat=True))
    own = OrderEvent.objects.filter(tenant=tenant_id)
    if thorough:
        return found | set(_naming(own, customer_id))
    for status in SET_ASIDE:
        found |= set(_naming(own.filter(status=status), customer_id))
    waiting = OrderEvent.objects.pending().filter(tenant=tenant_id, status=OrderEvent.Status.PENDING)
    return found | set(_naming(waiting, customer_id))


def names(payload: str, customer_id: str) -> bool:
    """Whether a received body is an order of the customer."""
    body = load(payload)
    return bool(body.get("customerOrder", {}).get("customerId") == customer_id)


def _naming(events: QuerySet[OrderEvent], customer_id: str) -> Iterator[int]:
    clue = max(re.findall(r"[A-Za-z0-9]+", customer_id), key=len, default="")
    likely = events.filter(payload__contains=clue) if clue else events
    for _, queue_id, payload in by_chunks(likely, "queue_id", "payload"):
        if names(payload, customer_id):
            yield queue_id


def by_chunks(rows: QuerySet[Any], *columns: str) -> Iterator[tuple[Any, ...]]:
    """(id, columns…) of each row in the order of ids, CHUNK of them in memory at a time.

    One statement each: a cursor of the server would need a transaction as long as all of it, or a session of its own,
    which a pooler does not give.
    """
    rows = rows.order_by("pk").values_list("pk", *columns)
    chunk = list(rows[:CHUNK])
    while chunk:
        yield from chunk
        chunk = list(rows.filter(pk__gt=chunk[-1][0])[:CHUNK]) if len(chunk) == CHUNK else []
