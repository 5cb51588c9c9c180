"""Do the work of a release chunk by chunk, each in one transaction that locks the orders' queues.

An order that a worker has leased is left for the next round, and a locked one cannot be leased. So a release and an
event of the same order are serialised, and an event after the release is planned like any other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from orders.cutover.order_choice import Choice
from orders.cutover.releases import plan_of
from orders.database.clock import DatabaseClock
from orders.integrations.periodic import each
from orders.models import OperatorAction, Order, OrderQueue, OrderRelease
from orders.outbox.planning import Plan
from orders.queueing.wake_ups import wake_outbound

CHUNK = 50
"""Orders per transaction: a PUT of one of them waits for it, some 30 ms."""
TURN_SECONDS = 5.0
"""How long one turn lasts; the sweep begins the next one a second later."""
BUSY_SECONDS = 0.05
"""Between two rounds when workers have leased every order of a chunk."""


class Releasing:
    """Periodic work (orders.tasks)."""

    def due(self) -> bool:
        return OrderRelease.objects.filter(finished_at=None).exists()

    def run(self) -> None:
        """The oldest release first; one that another worker has locked is skipped."""
        each(OrderRelease.objects.filter(finished_at=None, tenant__active=True).order_by("pk"), work_on)


def work_on(release: OrderRelease) -> None:
    """Work on a release for TURN_SECONDS at most; its row says how far it is."""
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
    """Release one chunk; returns how many orders, None when it is finished or another worker has it."""
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
    locked = _lock(wanted)
    orders = list(chosen.filter(pk__in=locked))
    _release(release, orders)
    busy = sorted(set(wanted) - set(locked))
    release.done_to = busy[0] - 1 if busy else wanted[-1]
    release.save(update_fields=["done_to", "released", "owed"])
    return len(orders)


def _lock(queue_ids: Sequence[int]) -> list[int]:
    """Lock the queues without a lease, by id, until the transaction ends; returns their ids."""
    free = OrderQueue.objects.select_for_update().filter(pk__in=queue_ids, lease__isnull=True)
    return list(free.order_by("pk").values_list("pk", flat=True))


def _release(release: OrderRelease, orders: Sequence[Order]) -> None:
    plan = plan_of(release.tenant, orders)
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(known_before=False)  # before lanes: locks.md
    plan.write()
    _record(release, orders, plan)
    release.released += len(orders)
    before = Counter({int(destination): number for destination, number in release.owed.items()})
    counted = before + plan.by_destination()
    release.owed = {str(destination): number for destination, number in counted.items()}


def _record(release: OrderRelease, orders: Sequence[Order], plan: Plan) -> None:
    """A line on each order's timeline: who released it, why, and how many deliveries that added."""
    added = plan.by_order()
    OperatorAction.objects.bulk_create(
        OperatorAction(
            **order.key._asdict(),
            who=release.who,
            action="release",
            subject=f"order:{order.pk}",
            reason=release.reason,
            outcome=_words(added[order.key]),
        )
        for order in orders
    )


def _words(deliveries: int) -> str:
    if not deliveries:
        return "no delivery required"
    return "1 delivery added" if deliveries == 1 else f"{deliveries} deliveries added"
