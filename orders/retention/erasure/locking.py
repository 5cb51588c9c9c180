"""Lock an order's queue and lanes while nothing of the order is pending or being worked on.

    UnderWay    something of the order is pending or being worked on; the text says what, and what to do

The queue is locked before the lanes, and it never waits for a lane's lock: a worker that outlived its lease locks them
in the other order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Q

from orders.database.clock import DatabaseClock
from orders.models import Delivery, Lane, OrderEvent, OrderQueue

BUSY_SECONDS = 3.0
"""As for an operator's other changes (orders.dead_letters.dead_events): a batch takes far less."""
LOOK_SECONDS = 0.05


class UnderWay(Exception):
    """Work on the order is pending or running."""


@contextmanager
def locked_order(queue: OrderQueue, *, wait_seconds: float = 0.0) -> Iterator[list[Lane]]:
    """The order's lanes, in a transaction that locks the order against workers and dispatchers. Raises UnderWay.

    Waits ``wait_seconds`` for pending work, and BUSY_SECONDS at least for a leased row.
    """
    began = time.monotonic()
    while True:
        with transaction.atomic():
            why, lanes = _in_the_way(queue)
            if not why:
                yield lanes
                return
        busy = why == BUSY
        if time.monotonic() - began > max(wait_seconds, BUSY_SECONDS if busy else 0.0):
            raise UnderWay(why)
        time.sleep(LOOK_SECONDS)


BUSY = "it is being applied or sent at this moment. Run this again in a minute."


def _in_the_way(queue: OrderQueue) -> tuple[str, list[Lane]]:
    """Why the order cannot be locked; or an empty text and its lanes, locked."""
    free = Q(lease__isnull=True) | Q(due_at__lte=DatabaseClock().now())
    if not OrderQueue.objects.select_for_update().filter(free, pk=queue.pk).exists():
        return BUSY, []
    if OrderEvent.objects.filter(queue=queue, status=OrderEvent.Status.PENDING).exists():
        return EVENT_WAITS, []
    own = queue.key._asdict()
    lanes = list(Lane.locked(skip_locked=True).filter(free, **own))
    if len(lanes) < Lane.objects.filter(**own).count():
        return BUSY, []
    pending = Delivery.objects.filter(lane__in=lanes, status=Delivery.Status.PENDING).select_related("destination")
    first = pending.first()
    return ("" if first is None else DELIVERY_WAITS.format(first.kind.replace("_", " "), first.destination), lanes)


EVENT_WAITS = (
    "an event of it is pending, so its customer's data would be stored again. Run this again when it is applied; when "
    "it is dead, the order can be erased too."
)
DELIVERY_WAITS = (
    "the {0} to {1} is not sent yet, and would go out without the customer's data. Run this again when it is sent: "
    "resume the destination if it is paused, or retry or discard the dead delivery that holds the lane."
)
