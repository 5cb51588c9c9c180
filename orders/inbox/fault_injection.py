"""Fault injection for tests and rehearsals (docs/reference/environment.md#fault-injection)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from orders.models import OrderQueue

_PATTERN = re.compile(r"fault-(?:(\d{1,6})|(always))-")


class InjectedFault(Exception):
    """A failure that the order's id asked for."""


class Tried(Protocol):
    """An event about to be applied."""

    @property
    def queue_id(self) -> int: ...

    @property
    def attempts(self) -> int: ...


def inject(events: Sequence[Tried]) -> None:
    """Raise for the first event whose order id asks for a failure on this try. Called after the orders are written,
    where HUB_FAULT_INJECTION is on."""
    if not events:
        return
    ids = dict(
        OrderQueue.objects.filter(
            pk__in={event.queue_id for event in events}, customer_order_id__startswith="fault-"
        ).values_list("pk", "customer_order_id")
    )
    for event in events:
        asked = _PATTERN.match(ids.get(event.queue_id, ""))
        if asked and (asked[2] or event.attempts < int(asked[1])):
            raise InjectedFault(f"fault injection: {ids[event.queue_id]} fails on this try")
