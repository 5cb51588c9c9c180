"""Erase one order, in transactions of a limited number of rows, each with the order locked.

First dead rows are discarded by their own services. Then every text that may quote a value is rewritten, and only then
the bodies and the document, which are the source of the values to look for; the order's document is last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from django.db.models import QuerySet

from orders.dead_letters import dead_deliveries, dead_events
from orders.dead_letters.operations import Busy, NotDead
from orders.integrations import integrations
from orders.integrations.erasure import ROWS, Erasure, Step
from orders.masking.documents import PersonalValue, values_in_json
from orders.models import (
    Delivery,
    DeliveryAttempt,
    Difference,
    Lane,
    OperatorAction,
    Order,
    OrderEvent,
    OrderQueue,
    TimelineEntry,
)
from orders.retention.erasure.customer_orders import by_chunks, names
from orders.retention.erasure.locking import UnderWay, locked_order

Store = Callable[[OrderQueue, Erasure], Iterable[Step]]


@dataclass(frozen=True, slots=True)
class _Extent:
    """The customer's part of an order. ``whole``: no event or document of it names another customer."""

    events: Sequence[UUID]
    values: frozenset[PersonalValue]
    document: bool
    whole: bool


def erase_order(
    queue: OrderQueue, customer_id: str, *, note: OperatorAction, write: bool, wait_seconds: float = 0.0
) -> Counter[str]:
    """Erase, or count if not ``write``; returns the rows concerned by kind. Raises UnderWay."""
    with locked_order(queue, wait_seconds=wait_seconds) as lanes:
        extent = _extent(queue, customer_id, lanes)
        counts = _dead(queue, extent, lanes)
    if write:
        _discard_dead(queue, extent, lanes, note)
    erasure = Erasure(extent.values, write=write)
    steps = chain(_texts(queue, lanes, erasure), _stores(queue, erasure), _bodies(queue, extent, lanes, erasure))
    while _turn(queue, steps, counts, wait_seconds):
        pass
    if write and +counts:
        note.reason = erasure.text()(note.reason)
        note.save(force_insert=True)
    return +counts


def _turn(queue: OrderQueue, steps: Iterator[Step], counts: Counter[str], wait_seconds: float) -> bool:
    """Do steps of about ROWS rows in one transaction; False when there are no more."""
    with locked_order(queue, wait_seconds=wait_seconds):
        read = 0
        while read < ROWS:
            step = next(steps, None)
            if step is None:
                return False
            counts[step.kind] += step.changed
            read += step.read
    return True


def _extent(queue: OrderQueue, customer_id: str, lanes: Sequence[Lane]) -> _Extent:
    events, values, others = [], set[PersonalValue](), 0
    for pk, payload in by_chunks(OrderEvent.objects.filter(queue=queue), "payload"):
        if names(payload, customer_id):
            events.append(pk)
            values |= values_in_json(payload)
        else:
            others += 1
    order = Order.objects.filter(pk=queue.pk).first()
    document = order is not None and order.customer_id == customer_id
    if order is not None and document:
        values |= values_in_json(order.document)
    whole = not others and (order is None or document)
    own = _deliveries(lanes, events, whole=whole)
    for _, payload in by_chunks(own, "payload"):
        values |= values_in_json(payload)
    return _Extent(events, frozenset(values), document, whole)


def _deliveries(lanes: Sequence[Lane], events: Sequence[UUID], *, whole: bool) -> QuerySet[Delivery]:
    rows = Delivery.objects.filter(lane__in=lanes)
    return rows if whole else rows.filter(event_id__in=list(events))


def _dead_rows(
    queue: OrderQueue, extent: _Extent, lanes: Sequence[Lane]
) -> tuple[QuerySet[OrderEvent], QuerySet[Delivery]]:
    events = OrderEvent.objects.dead().filter(queue=queue, pk__in=extent.events)
    deliveries = _deliveries(lanes, extent.events, whole=extent.whole).filter(status=Delivery.Status.DEAD)
    return events, deliveries


def _dead(queue: OrderQueue, extent: _Extent, lanes: Sequence[Lane]) -> Counter[str]:
    events, deliveries = _dead_rows(queue, extent, lanes)
    return Counter({"dead set aside": events.count() + deliveries.count()})


def _discard_dead(queue: OrderQueue, extent: _Extent, lanes: Sequence[Lane], note: OperatorAction) -> None:
    """Discard dead rows by the operators' services, each recorded, because their payloads will be erased."""
    events, deliveries = _dead_rows(queue, extent, lanes)
    try:
        for event in events:
            dead_events.discard(event, who=note.who, reason=note.reason)
        for delivery in deliveries:
            dead_deliveries.discard(delivery, who=note.who, reason=note.reason)
    except (NotDead, Busy) as taken:
        raise UnderWay(f"{taken}. Run this again in a minute.") from taken


def _texts(queue: OrderQueue, lanes: Sequence[Lane], erasure: Erasure) -> Iterator[Step]:
    """Texts that may quote a value: errors, partners' answers, the timeline, operators' reasons."""
    if not erasure.values:
        return
    text, place = erasure.text(), queue.key._asdict()
    tries = DeliveryAttempt.objects.filter(delivery__lane__in=lanes)
    events, deliveries = OrderEvent.objects.filter(queue=queue), Delivery.objects.filter(lane__in=lanes)
    yield from erasure.rewrite("attempts", tries, {"detail": text, "response_cut": text})
    entries, actions = TimelineEntry.objects.filter(**place), OperatorAction.objects.filter(**place)
    yield from erasure.rewrite("timeline entries", entries, {"what": text, "detail": text})
    yield from erasure.rewrite("reasons on record", actions, {"reason": text})
    yield from erasure.rewrite("errors of events", events, {"error": text, "owes": text, "warnings": text})
    yield from erasure.rewrite("errors of deliveries", deliveries, {"error": text})


def _stores(queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
    """Differences, erased by member because a value may be known only to the tenant's own system; then the rows of
    integrations.
    """
    payload = erasure.payload()
    differences = Difference.objects.filter(queue=queue)
    yield from erasure.rewrite("differences", differences, {"here": payload, "there": payload})
    for one in integrations():
        yield from one.erase(queue, erasure)


def _bodies(queue: OrderQueue, extent: _Extent, lanes: Sequence[Lane], erasure: Erasure) -> Iterator[Step]:
    payload = {"payload": erasure.payload()}
    yield from erasure.rewrite("deliveries", _deliveries(lanes, extent.events, whole=extent.whole), payload)
    for at in range(0, len(extent.events), ROWS):
        events = OrderEvent.objects.filter(pk__in=extent.events[at : at + ROWS])
        yield from erasure.rewrite("events", events, payload)
    if extent.document:
        yield from erasure.rewrite("orders", Order.objects.filter(pk=queue.pk), {"document": erasure.payload()})
