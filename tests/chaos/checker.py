"""The judge of a drill: what was accepted against what was applied. Pure; every violation is one line.

lost     accepted, but not stored as accepted, or not applied
doubled  applied more than once
gap      an order's sequences are not 1, 2, 3, …
order    an event applied after one with a higher sequence
written  the order as a transaction left it is not the document of its highest event
final    an order is not the document of its highest sequence
changed  `changed` does not say whether the document differs from the one before it
attempt  something counted as an attempt that is none
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

LOSSES_THAT_COUNT = 3
"""Workers lost on the same head that make an attempt (docs/design/inbox.md#failures)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A 202 as its sender noted it; ``body`` is the digest of what was sent."""

    event_id: str
    order: str
    sequence: int
    body: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it stands at the end. ``document`` is the digest that applying its body must come to."""

    event_id: str
    order: str
    sequence: int
    body: str
    document: str
    status: str = "applied"
    attempts: int = 1
    changed: bool | None = True


@dataclass(frozen=True, slots=True)
class Applied:
    """One application of an event that was committed, in the order of commit within an order."""

    position: int
    transaction: int
    order: str
    sequence: int
    event_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Written:
    """One write of an order that was committed."""

    position: int
    transaction: int
    order: str
    sequence: int
    document: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A lease that ran out with the order's head after ``done`` untouched: a worker was lost on it."""

    order: str
    done: int


@dataclass(slots=True)
class History:
    accepted: list[Accepted]
    stored: list[Stored]
    applied: list[Applied]
    written: list[Written]
    final: dict[str, tuple[int, str]]
    """Order: (applied sequence, digest of its document)."""
    lost: list[Lost] = field(default_factory=list)


def violations(history: History) -> list[str]:
    """Everything that is not as it must be; empty when all is well."""
    checks = (_lost, _doubled, _gaps, _reordered, _miswritten, _final, _changed, _attempts)
    return [line for check in checks for line in check(history)]


def _lost(history: History) -> Iterator[str]:
    stored = {event.event_id: event for event in history.stored}
    applied = {(event.event_id, event.body) for event in history.applied}
    for told in history.accepted:
        event = stored.get(told.event_id)
        if event is None:
            yield f"lost: {_name(told)} was accepted and is not stored"
        elif (event.order, event.sequence, event.body) != (told.order, told.sequence, told.body):
            yield f"lost: {_name(told)} is stored as something else: {event}"
    for event in history.stored:
        if event.status != "applied" or (event.event_id, event.body) not in applied:
            yield f"lost: {_name(event)} was not applied, it is {event.status}"


def _doubled(history: History) -> Iterator[str]:
    times = Counter((event.order, event.sequence, event.event_id) for event in history.applied)
    for (order, sequence, event_id), count in times.items():
        if count > 1:
            yield f"doubled: event {sequence} of {order} ({event_id}) was applied {count} times"


def _gaps(history: History) -> Iterator[str]:
    for order, events in _by_order(history.stored):
        sequences = sorted(event.sequence for event in events)
        if sequences != list(range(1, len(sequences) + 1)):
            yield f"gap: the sequences of {order} are {sequences}"


def _reordered(history: History) -> Iterator[str]:
    for order, events in _by_order(history.applied):
        highest = 0
        for _, together in groupby(sorted(events, key=attrgetter("position")), key=attrgetter("transaction")):
            sequences = [event.sequence for event in together]
            if min(sequences) < highest:
                yield f"order: event {min(sequences)} of {order} was applied after event {highest}"
            highest = max(highest, *sequences)


def _miswritten(history: History) -> Iterator[str]:
    documents = {(event.order, event.sequence): event.document for event in history.stored}
    events: dict[tuple[str, int], int] = defaultdict(int)
    for event in history.applied:
        at = (event.order, event.transaction)
        events[at] = max(events[at], event.sequence)
    for order, writes in _by_order(history.written):
        highest = 0
        for write in sorted(writes, key=attrgetter("position")):
            if write.sequence <= highest:
                yield f"written: {order} was written with event {write.sequence} after event {highest}"
            if write.sequence != events.pop((order, write.transaction), None):
                yield f"written: {order} was written with event {write.sequence}, which was not the last applied"
            if write.document != documents.get((order, write.sequence)):
                yield f"written: {order} was written with another document than that of event {write.sequence}"
            highest = max(highest, write.sequence)
    for (order, _), sequence in events.items():
        yield f"written: {order} was not written when event {sequence} was applied"


def _final(history: History) -> Iterator[str]:
    for order, events in _by_order(history.stored):
        last = max(events, key=attrgetter("sequence"))
        if history.final.get(order) != (last.sequence, last.document):
            yield f"final: {order} is {history.final.get(order)}, its highest event is {_name(last)}"


def _changed(history: History) -> Iterator[str]:
    for _, events in _by_order(history.stored):
        before = None
        for event in sorted(events, key=attrgetter("sequence")):
            if event.changed is not (event.document != before):
                yield f"changed: {_name(event)} says {event.changed}"
            before = event.document


def _attempts(history: History) -> Iterator[str]:
    lost = defaultdict(list)
    for loss in history.lost:
        lost[loss.order].append(loss.done)
    for event in history.stored:
        losses = sum(done < event.sequence for done in lost[event.order])
        if not 1 <= event.attempts <= 1 + losses // LOSSES_THAT_COUNT:
            yield f"attempt: {_name(event)} took {event.attempts} attempts with {losses} workers lost on its order"


def _by_order(rows: Iterable) -> Iterator[tuple[str, list]]:
    lines = defaultdict(list)
    for row in rows:
        lines[row.order].append(row)
    return iter(lines.items())


def _name(event: Accepted | Stored) -> str:
    return f"event {event.sequence} of {event.order} ({event.event_id})"
