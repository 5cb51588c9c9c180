"""Doing what a release owes: chunk by chunk, each one transaction that holds the orders' queues.

An order that a worker holds just now is left for the next round; nobody can lease one that is locked here. So a
release and an event of the same order take turns, and the event that comes after it is planned like any other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from orders.cutover.order_choice import Choice
from orders.cutover.releases import plan_of
from orders.database.clock import DatabaseClock
from orders.models import OperatorAction, Order, OrderQueue, OrderRelease
from orders.outbox.planning import Plan
from orders.queueing.wake_ups import wake_outbound

CHUNK = 50
"""Orders of one transaction: a PUT of one of them waits for it, some 30 ms."""
TURN_SECONDS = 5.0
"""How long one turn goes on; the sweep gives the next one a second later."""
BUSY_SECONDS = 0.05
"""Between two rounds when every order of a chunk is held by a worker."""


class Releasing:
    """Periodic work (orders.tasks)."""

    def due(self) -> bool:
        return OrderRelease.objects.filter(finished_at=None).exists()

    def run(self) -> None:
        """The oldest release first; another worker's is left to it."""
        for release in OrderRelease.objects.filter(finished_at=None, tenant__active=True).order_by("pk"):
            work_on(release)


def work_on(release: OrderRelease) -> None:
    """Go on with a release for a turn; finished or not, the row says how far it is."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        moved = _chunk(release.pk)
        if moved is None:
            return
        if moved:
            wake_outbound()
        else:
            time.sleep(BUSY_SECONDS)


@transaction.atomic
def _chunk(release_pk: int) -> int | None:
    """How many orders were released; None when it is finished or another worker has it."""
    open_ones = OrderRelease.objects.select_for_update(skip_locked=True, of=("self",)).select_related("tenant")
    release = open_ones.filter(pk=release_pk, finished_at=None).first()
    if release is None:
        return None
    chosen = Choice.from_json(release.choice["filter"]).orders(release.tenant)
    bounded = chosen.filter(pk__gt=release.done_to, pk__lte=release.choice["up_to"])
    wanted = list(bounded.values_list("pk", flat=True)[:CHUNK])
    if not wanted:
        release.finished_at = DatabaseClock().now()
        release.save(update_fields=["finished_at"])
        return None
    held = _hold(wanted)
    orders = list(chosen.filter(pk__in=held))
    _release(release, orders)
    busy = sorted(set(wanted) - set(held))
    release.done_to = busy[0] - 1 if busy else wanted[-1]
    release.save(update_fields=["done_to", "released", "owed"])
    return len(orders)


def _hold(queue_ids: Sequence[int]) -> list[int]:
    """Lock those queues that no worker has, in the order of their ids, until the transaction ends."""
    free = OrderQueue.objects.select_for_update().filter(pk__in=queue_ids, lease__isnull=True)
    return list(free.order_by("pk").values_list("pk", flat=True))


def _release(release: OrderRelease, orders: Sequence[Order]) -> None:
    plan = plan_of(release.tenant, orders)
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(known_before=False)  # before lanes: locks.md
    plan.write()
    _record(release, orders, plan)
    release.released += len(orders)
    counted = Counter({int(destination): number for destination, number in release.owed.items()}) + plan.owed()
    release.owed = {str(destination): number for destination, number in counted.items()}


def _record(release: OrderRelease, orders: Sequence[Order], plan: Plan) -> None:
    """On each order's story: who let it go, why, and what that came to owe."""
    owing = plan.owed_of()
    OperatorAction.objects.bulk_create(
        OperatorAction(
            **order.key._asdict(),
            who=release.who,
            action="release",
            subject=f"order:{order.pk}",
            reason=release.reason,
            outcome=_words(owing[order.key]),
        )
        for order in orders
    )


def _words(deliveries: int) -> str:
    return f"owed {deliveries or 'nothing'}" + (" deliveries" if deliveries > 1 else " delivery" if deliveries else "")
