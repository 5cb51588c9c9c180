"""What is pending of an order, for which reason and until when; and its state in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.text import capfirst

from orders.models import Delivery, Destination, Lane, OrderEvent, OrderQueue
from orders.timeline.happenings import kind_words
from orders.timeline.rows import Rows
from orders.values.time_text import in_words, until


def pending_now(rows: Rows) -> list[str]:
    """One sentence per queue and lane with pending work; empty when nothing is pending."""
    said = [] if rows.queue is None else list(_inbox(rows, rows.queue))
    for lane in rows.lanes.values():
        said += _lane(rows, lane)
    return said


def headline(rows: Rows) -> str:
    """``Applied 2 s after reception; supplier beans: order created delivered.``"""
    if not rows.events:
        return "Nothing of this order is stored here: it is read through, or only its happenings are known."
    parts = [_newest(rows.events[0])]
    seen: set[int] = set()
    for delivery in rows.deliveries:
        if delivery.destination_id not in seen and delivery.status != Delivery.Status.SUPERSEDED:
            seen.add(delivery.destination_id)
            parts.append(_stands(rows, delivery))
    return "; ".join(parts) + "."


def _newest(event: OrderEvent) -> str:
    if event.status == OrderEvent.Status.APPLIED and event.finished_at:
        return f"Applied {in_words(event.finished_at - event.received_at)} after reception"
    words = {
        OrderEvent.Status.PENDING: "The newest event is pending",
        OrderEvent.Status.DEAD: f"The newest event failed for good: {event.error}",
        OrderEvent.Status.SUPERSEDED: "The newest event was superseded",
        OrderEvent.Status.DISCARDED: "The newest event was discarded",
    }
    return words[OrderEvent.Status(event.status)].rstrip(".")


def _stands(rows: Rows, delivery: Delivery) -> str:
    about = f"{rows.whom(delivery.destination_id)}: {kind_words(delivery.kind)}"
    if delivery.status == Delivery.Status.DEAD:
        return f"{about} failed for good: {delivery.error}".rstrip(".")
    return f"{about} {delivery.status}"


def _inbox(rows: Rows, queue: OrderQueue) -> Iterator[str]:
    waiting = queue.last_sequence - queue.done_sequence
    if not waiting or queue.due_at is None:
        return
    head = next((event for event in reversed(rows.events) if event.sequence > queue.done_sequence), None)
    number = head.sequence if head else queue.done_sequence + 1
    behind = f"; {waiting - 1} more behind it" if waiting > 1 else ""
    last = f" (last failure: {head.error})" if head and head.error else ""
    leased = queue.lease is not None and queue.due_at > rows.now
    when = "is being applied now" if leased else f"will be tried {until(queue.due_at, now=rows.now)}"
    yield f"Event {number} {when}{last}{behind}."


def _lane(rows: Rows, lane: Lane) -> Iterator[str]:
    if lane.due_at is None and lane.held_by is None:
        return
    pending = [
        delivery
        for delivery in reversed(rows.deliveries)
        if delivery.lane_id == lane.pk and delivery.status == Delivery.Status.PENDING
    ]
    whom = capfirst(rows.whom(lane.destination_id))
    if lane.held_by is not None:
        behind = f" and holds {len(pending)} behind it" if pending else ""
        yield f"{whom}: a delivery failed for good{behind} until a person retries or discards it."
    elif pending:
        more = f"; {len(pending) - 1} more behind it" if len(pending) > 1 else ""
        yield f"{whom}: {kind_words(pending[0].kind)} {_lane_state(rows, lane)}{more}."


def _lane_state(rows: Rows, lane: Lane) -> str:
    destination = rows.destinations.get(lane.destination_id)
    if destination and (reason := _hold_reason(rows, destination)):
        return reason
    if lane.due_at and lane.lease is not None and lane.due_at > rows.now:
        return "is being sent now"
    return f"will be tried {until(lane.due_at or rows.now, now=rows.now)}"


def _hold_reason(rows: Rows, destination: Destination) -> str:
    """Why nothing is sent to the destination now; empty when it runs."""
    probe = f"; next probe {until(destination.probe_at, now=rows.now)}" if destination.probe_at else ""
    if not (destination.active and destination.tenant.active):
        return "is held, because the destination or its tenant is switched off"
    if destination.state != Destination.State.RUNNING:
        return f"is held, because the destination is {destination.state}: {destination.state_reason.rstrip('.')}{probe}"
    if destination.open_seconds is not None:
        return f"is held, because {destination.failures} tries in a row failed there{probe}"
    return ""
