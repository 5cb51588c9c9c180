"""Find the orders that name a customer: stored ones, and those of which only an unapplied event is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from orders.documents import load
from orders.models import Order, OrderEvent

UNAPPLIED = (OrderEvent.Status.DEAD, OrderEvent.Status.SUPERSEDED, OrderEvent.Status.DISCARDED)
"""Statuses of events that may be all that is stored of an order; partial indexes find them among millions."""
CHUNK = 500
"""Bodies in memory at a time; one has at most 1 MiB."""


def queues_of(tenant_id: int, customer_id: str, *, thorough: bool) -> set[int]:
    """Queue ids of the orders. Not ``thorough``: an order that changed its customer is found by the present one."""
    found = set(Order.objects.filter(tenant=tenant_id, customer_id=customer_id).values_list("pk", flat=True))
    own = OrderEvent.objects.filter(tenant=tenant_id)
    if thorough:
        return found | set(_naming(own, customer_id))
    for status in UNAPPLIED:
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
    """(id, columns…) of each row by id, with CHUNK rows in memory at a time.

    One statement per chunk: a server-side cursor would need one long transaction, or a session, which a transaction
    pooler does not give.
    """
    rows = rows.order_by("pk").values_list("pk", *columns)
    chunk = list(rows[:CHUNK])
    while chunk:
        yield from chunk
        chunk = list(rows.filter(pk__gt=chunk[-1][0])[:CHUNK]) if len(chunk) == CHUNK else []
