"""Release orders known before the cut-over, so that suppliers and warehouses are notified of them.

preview -> release (a row with pending work) -> orders.cutover.release_work does it, chunk by chunk

ReleaseRefused   nothing was released; the text says why
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max

from orders.cutover.order_choice import Choice
from orders.database.clock import DatabaseClock
from orders.database.ids import new_id
from orders.documents import load
from orders.inbox.notification_rule import not_notified_because
from orders.integrations.channels import Change
from orders.models import Order, OrderEvent, OrderQueue, OrderRelease, Tenant
from orders.outbox.planning import Plan

PREVIEW_MOST = 5_000
"""Orders planned for a preview, which takes some seconds; with more orders the figures are estimated from these."""
CHUNK = 200
"""Orders planned at once: as many as in a batch of the inbox."""


class ReleaseRefused(Exception):
    """The orders cannot be released as asked."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a release would do."""

    orders: int
    deliveries: Mapping[int, int]
    """Number of deliveries by destination id."""
    estimated: bool
    """Whether ``deliveries`` is scaled up from the first orders."""


def preview(tenant: Tenant, choice: Choice) -> Preview:
    """What releasing the chosen orders would send; plans as a release does and writes nothing."""
    count = choice.orders(tenant).count()
    deliveries: Counter[int] = Counter()
    planned, after = 0, 0
    while planned < PREVIEW_MOST and (orders := list(choice.orders(tenant).filter(pk__gt=after)[:CHUNK])):
        deliveries += plan_of(tenant, orders).by_destination()
        planned, after = planned + len(orders), orders[-1].pk
    if planned >= count:
        return Preview(planned, dict(deliveries), estimated=False)
    scaled = {destination: round(number * count / planned) for destination, number in deliveries.items()}
    return Preview(count, scaled, estimated=True)


def release(tenant: Tenant, choice: Choice, *, who: str, reason: str) -> OrderRelease:
    """Store a release of the orders chosen now. A single order is released at once, more by a worker within seconds.

    Raises ReleaseRefused.
    """
    from orders.cutover.release_work import work_on

    stored = Tenant.objects.get(pk=tenant.pk)
    _check(stored, choice, reason)
    newest = OrderQueue.objects.filter(tenant=stored).aggregate(newest=Max("pk"))["newest"] or 0
    kept = OrderRelease.objects.create(
        tenant=stored, who=who, reason=reason, choice={"filter": choice.as_json(), "up_to": newest}
    )
    if choice.is_one_order:
        work_on(kept)
        kept.refresh_from_db()
    return kept


def _check(tenant: Tenant, choice: Choice, reason: str) -> None:
    if not reason.strip():
        raise ReleaseRefused("Write why: the reason is kept with every order that is released.")
    if not_notified_because(tenant, received_at=DatabaseClock().now(), known_before=False):
        raise ReleaseRefused("The tenant is migrating and nobody is notified; cut over, or choose from when to notify.")
    if not choice.orders(tenant).exists():
        raise ReleaseRefused("No order that was known before the cut-over fits; it may have been released already.")


def plan_of(tenant: Tenant, orders: Sequence[Order]) -> Plan:
    """The deliveries that the orders require in their present state, as if they were new; nothing is written."""
    plan = Plan()
    plan.add(tenant, _changes(orders), {order.key: order.pk for order in orders})
    return plan


def _changes(orders: Sequence[Order]) -> list[Change]:
    events = _last_applied(orders)
    now = DatabaseClock().now()
    changes = []
    for order in orders:
        event_id, correlation_id = events.get((order.pk, order.applied_sequence), (new_id(), ""))
        changes.append(
            Change(
                key=order.key,
                sequence=order.applied_sequence,
                event_id=event_id,
                before=None,
                after=load(order.document),
                received_at=order.received_at,
                applied_at=now,
                correlation_id=correlation_id,
            )
        )
    return changes


def _last_applied(orders: Sequence[Order]) -> dict[tuple[int, int], tuple[UUID, str]]:
    """Id and correlation id of the last applied event, by (queue id, sequence)."""
    events = OrderEvent.objects.filter(
        queue__in=[order.pk for order in orders], sequence__in={order.applied_sequence for order in orders}
    )
    rows = events.values_list("queue_id", "sequence", "pk", "correlation_id")
    return {(queue_id, sequence): (pk, correlation) for queue_id, sequence, pk, correlation in rows}
