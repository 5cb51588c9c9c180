"""Each stored row of an order as one happening, in words that an operator can read out on the phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.utils.text import capfirst

from orders.models import Delivery, OperatorAction, OrderEvent, TimelineEntry
from orders.timeline.rows import Rows, Tries
from orders.values.time_text import in_words


class Tone(Enum):
    """What a line means to the reader; each has one colour and one word, the same on every page."""

    PLAIN = ""
    MOVING = "moving"
    WAITING = "waiting"
    PERSON = "needs a person"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline."""

    at: datetime
    source: str
    """events | proxy | supplier | warehouse | operator, or another channel's name."""
    what: str
    result: str = ""
    tone: Tone = Tone.PLAIN
    subject: str = ""
    """``event:<id>`` or ``delivery:<id>``: the row that it describes."""
    correlation_id: str = ""
    since: timedelta | None = None
    """Time after the happening before."""
    opens: str = ""
    """Label of the link that shows the details; empty where there are none."""


def each_happening(rows: Rows) -> Iterator[Happening]:
    """All happenings, unsorted; those of one event are in sequence."""
    for event in reversed(rows.events):
        yield from _event(rows, event)
    for delivery in reversed(rows.deliveries):
        yield from _delivery(rows, delivery)
    yield from map(_entry, reversed(rows.entries))
    yield from map(_action, reversed(rows.actions))


def kind_words(kind: str) -> str:
    """``order_created`` as words."""
    return kind.replace("_", " ")


def tries_words(tries: Tries) -> str:
    """``5 tries over 12 min, last: …``"""
    last = tries.last
    said = last.detail or (f"answered {last.response_status}" if last.response_status else last.verdict)
    if tries.count == 1:
        return f"1 try, {last.duration_ms:.0f} ms: {said}"
    return f"{tries.count} tries over {in_words(last.started_at - tries.first_at)}, last: {said}"


def _event(rows: Rows, event: OrderEvent) -> Iterator[Happening]:
    name, subject = f"Event {event.sequence}", f"event:{event.pk}"
    pending = event.status == OrderEvent.Status.PENDING
    failing = pending and event.attempts > 0
    yield Happening(
        at=event.received_at,
        source="events",
        what=f"{name} received",
        result=_count("{} failed so far, last: ", event.attempts) + event.error if failing else "",
        tone=Tone.WAITING if pending else Tone.PLAIN,
        subject=subject,
        correlation_id=event.correlation_id,
        opens="Show what was received",
    )
    if event.finished_at is None:
        return
    what, result, tone = _result(rows, event)
    yield Happening(
        at=event.finished_at, source="events", what=f"{name} {what}", result=result, tone=tone, subject=subject
    )
    if event.status == OrderEvent.Status.APPLIED:
        yield from _required(rows, event, event.finished_at)


def _result(rows: Rows, event: OrderEvent) -> tuple[str, str, Tone]:
    """How a finished event ended: the words, the details and the tone."""
    took = in_words((event.finished_at or event.received_at) - event.received_at)
    match event.status:
        case OrderEvent.Status.APPLIED:
            on_try = f", on try {event.attempts}" if event.attempts > 1 else ""
            return "applied", f"{took} after reception{on_try}", Tone.MOVING
        case OrderEvent.Status.DEAD:
            tries = _count("{} over " + took + ", last: ", event.attempts)
            return "failed for good", f"{tries}{event.error}", Tone.PERSON
        case OrderEvent.Status.SUPERSEDED:
            return "set aside", f"superseded by {_newer(rows, event)}, which was applied first", Tone.PLAIN
    return "discarded", "it will never be applied", Tone.PLAIN


def _newer(rows: Rows, event: OrderEvent) -> str:
    numbers = {other.pk: other.sequence for other in rows.events}
    newer = event.superseded_by
    return f"event {numbers[newer]}" if newer in numbers else "a newer event"


def _required(rows: Rows, event: OrderEvent, at: datetime) -> Iterator[Happening]:
    """What the planning decided for each destination, as it is kept on the event (``OrderEvent.owes``)."""
    if not event.changed:
        yield Happening(at=at, source="events", what="Nobody notified: the event changed nothing")
        return
    required = json.loads(event.owes) if event.owes else []
    for line in required:
        destination = line.get("destination")
        if "because" not in line:
            what = f"To be sent to {rows.whom(destination)}: {kind_words(line['owes'])}"
        elif destination is None:
            what = f"Nobody notified: {line['because']}"
        else:
            what = f"{capfirst(rows.whom(destination))} not notified: {line['because']}"
        yield Happening(at=at, source="events", what=what)
    if not required:
        yield Happening(at=at, source="events", what="Nobody notified: no supplier or warehouse is concerned")


def _delivery(rows: Rows, delivery: Delivery) -> Iterator[Happening]:
    """One line per delivery once it has been tried or has ended; before that, the planning's line says it all."""
    tries = rows.tries.get(delivery.pk)
    at = delivery.finished_at or (tries and tries.last.started_at)
    if not at:
        return
    words, tone = _OUTCOMES[Delivery.Status(delivery.status)]
    result = tries_words(tries) if tries else ""
    if delivery.status == Delivery.Status.SUPERSEDED:
        result = delivery.error or "a later change goes instead"
    yield Happening(
        at=at,
        source=rows.channel(delivery.destination_id),
        what=f"{rows.name(delivery.destination_id)}: {kind_words(delivery.kind)} {words}",
        result=result,
        tone=tone,
        subject=f"delivery:{delivery.pk}",
        correlation_id=delivery.correlation_id,
        opens="Show what was sent and each answer" if tries else "Show what would have been sent",
    )


_OUTCOMES = {
    Delivery.Status.PENDING: ("not through yet", Tone.WAITING),
    Delivery.Status.DELIVERED: ("delivered", Tone.MOVING),
    Delivery.Status.DEAD: ("failed for good", Tone.PERSON),
    Delivery.Status.SUPERSEDED: ("not sent", Tone.PLAIN),
    Delivery.Status.DISCARDED: ("discarded", Tone.PLAIN),
}


def _entry(entry: TimelineEntry) -> Happening:
    return Happening(
        at=entry.at, source=entry.road, what=entry.what, result=entry.detail, correlation_id=entry.correlation_id
    )


_DONE = {"retry": "retried", "discard": "discarded", "pause": "paused", "resume": "resumed", "probe": "probed",
         "release": "released", "redeliver": "asked once more for",
         "erase": "erased the personal data of"}  # fmt: skip


def _action(action: OperatorAction) -> Happening:
    kind, _, _ = action.subject.partition(":")
    because = f"because: {action.reason}" if action.reason else ""
    became = f"it is now {action.outcome}" if action.outcome else ""
    return Happening(
        at=action.at,
        source="operator",
        what=f"{action.who} {_DONE.get(action.action, action.action)} the {kind or 'order'}",
        result="; ".join(filter(None, (because, became))),
        subject=action.subject,
    )


def _count(words: str, attempts: int) -> str:
    """``words`` with the number of tries filled in; empty where there was none."""
    return words.format("1 try" if attempts == 1 else f"{attempts} tries") if attempts else ""
