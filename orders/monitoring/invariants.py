"""Check the invariants between rows of inbox and outbox, and name every row that breaks one.

docs/design/invariants.md explains each rule and what keeps it. Rules that database constraints keep are not checked.
Each rule is one statement, so that it sees a concurrent commit completely or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from orders.integrations import channels
from orders.models import Delivery, Lane, OrderEvent

NAMED_MOST = 50
"""Rows named per rule: more would not help to find the cause."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that breaks a rule; ``rule`` is a heading of docs/design/invariants.md."""

    rule: str
    row: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.row}"


def broken_invariants(tenant_id: int | None = None) -> list[Broken]:
    """The rows that break a rule, at most NAMED_MOST of each rule; of one tenant if given.

    Reads all pending and superseded rows, by indexes of those alone: for a command, a test and a drill, not for a page.
    With 300,000 deliveries and as many events pending, each rule takes less than a second.
    """
    return [Broken(rule, row) for rule, look in RULES.items() for row in look(tenant_id)]


def _stuck_deliveries(tenant_id: int | None) -> Iterator[str]:
    stuck = _pending(tenant_id).filter(lane__due_at__isnull=True, lane__held_by__isnull=True)
    return _named(stuck)


def _deliveries_without_lane(tenant_id: int | None) -> Iterator[str]:
    return _named(_pending(tenant_id).exclude(Exists(Lane.objects.filter(pk=OuterRef("lane_id")))))


def _passed_deliveries(tenant_id: int | None) -> Iterator[str]:
    return _named(_pending(tenant_id).filter(position__lte=F("lane__done_position")))


def _overtaken_deliveries(tenant_id: int | None) -> Iterator[str]:
    """Not for kinds that hold their lane: these are sent again whenever their receiver asks for it."""
    later = Delivery.objects.filter(
        lane=OuterRef("lane"), position__gt=OuterRef("position"), status=Delivery.Status.DELIVERED
    )
    overtaken = _pending(tenant_id).filter(Exists(later), lane__lease__isnull=True)
    for one in overtaken.select_related("destination").order_by("pk")[:NAMED_MOST]:
        if not channels()[one.destination.channel].holds_lane(one.kind):
            yield f"delivery {one.pk}"


def _superseded_by_another_lane(tenant_id: int | None) -> Iterator[str]:
    """The newer delivery may be gone: it can end and be removed by age before the older one is superseded."""
    newer = Delivery.objects.filter(pk=OuterRef("superseded_by"))
    rightly = newer.filter(lane=OuterRef("lane"), position__gt=OuterRef("position"))
    superseded = Delivery.objects.filter(status=Delivery.Status.SUPERSEDED, **_of(tenant_id))
    return _named(superseded.filter(Exists(newer)).exclude(Exists(rightly)))


def _wrongly_held_lanes(tenant_id: int | None) -> Iterator[str]:
    holder = Delivery.objects.filter(pk=OuterRef("held_by"), lane=OuterRef("pk"), status=Delivery.Status.DEAD)
    lanes = Lane.objects.filter(held_by__isnull=False, **_of(tenant_id))
    wrong = lanes.filter(~Exists(holder) | Q(lease__isnull=False))
    for pk in wrong.order_by("pk").values_list("pk", flat=True)[:NAMED_MOST]:
        yield f"lane {pk}"


def _passed_events(tenant_id: int | None) -> Iterator[str]:
    passed = OrderEvent.objects.filter(
        status=OrderEvent.Status.PENDING, sequence__lte=F("queue__done_sequence"), **_of(tenant_id)
    )
    for pk in passed.order_by("pk").values_list("pk", flat=True)[:NAMED_MOST]:
        yield f"event {pk}"


def _pending(tenant_id: int | None) -> QuerySet[Delivery]:
    pending: QuerySet[Delivery] = Delivery.objects.filter(status=Delivery.Status.PENDING, **_of(tenant_id))
    return pending


def _of(tenant_id: int | None) -> dict[str, int]:
    return {} if tenant_id is None else {"tenant": tenant_id}


def _named(deliveries: QuerySet[Delivery]) -> Iterator[str]:
    for pk in deliveries.order_by("pk").values_list("pk", flat=True)[:NAMED_MOST]:
        yield f"delivery {pk}"


RULES: dict[str, Callable[[int | None], Iterator[str]]] = {
    "a pending delivery's lane is due or held": _stuck_deliveries,
    "a pending delivery has a lane": _deliveries_without_lane,
    "a pending delivery lies beyond its lane's done position": _passed_deliveries,
    "a pending delivery was not overtaken": _overtaken_deliveries,
    "a superseded delivery gave way to a later one of its lane": _superseded_by_another_lane,
    "a lane is held by a dead delivery of its own and not leased": _wrongly_held_lanes,
    "a pending event lies beyond its queue's done sequence": _passed_events,
}
