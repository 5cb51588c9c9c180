"""Finished requests until their outcomes are recorded, so that the trouble of one holds up no other.

    new outcomes         together, in one transaction
    several that failed  by destination, then by halves, each part in a transaction of its own
    one that failed      locked, or the database was away: again in a second; any other error: an attempt that says so

The dispatcher's loop calls ``work`` again and again and renews leases in between. No row is waited for longer than a
second, and by a part that failed before hardly at all.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from orders.database.lock_errors import WORKER_LOCK_SECONDS, took_too_long, was_in_the_way
from orders.integrations import channels
from orders.integrations.channels import Outcome, Verdict
from orders.outbox.destination_health import named
from orders.outbox.outcomes import CompletedAttempt, record
from orders.outbox.send_pool import Sent

ROUND_SECONDS = 0.5
"""How long one ``work`` begins further transactions: a small part of the time between two renewals."""
AGAIN_SECONDS = 1.0
"""Before one outcome is recorded again: as for an order that is locked (orders.inbox.applying)."""
AGAIN_LOCK_SECONDS = 0.1
"""A part that failed before waits for a lock no longer: its wait holds up all others."""

log = structlog.get_logger("orderhub.outbox")


@dataclass(slots=True, eq=False)
class _Part:
    """Outcomes that are recorded in one transaction."""

    outcomes: Sequence[CompletedAttempt]
    lock_seconds: float = WORKER_LOCK_SECONDS
    at: float = 0.0
    told: bool = False
    """Its outcome is that it could not be recorded."""


class Recorder:
    """``done`` is called with each request of which nothing is left to record."""

    def __init__(self, done: Callable[[Sent], None]) -> None:
        self._done = done
        self._parts: deque[_Part] = deque()
        self._requests: dict[uuid.UUID, Sent] = {}
        self._left: Counter[uuid.UUID] = Counter()

    def add(self, back: Sequence[Sent]) -> None:
        new: list[CompletedAttempt] = []
        for sent in back:
            tried = _completed(sent)
            self._requests[tried[0].request_id], self._left[tried[0].request_id] = sent, len(tried)
            new += tried
        if new:
            self._parts.appendleft(_Part(new))

    def work(self) -> None:
        """Record what is ready: what is new, and then at least one part that failed before.

        Raises when the database is away; nothing is lost by that.
        """
        until, tried = time.monotonic() + ROUND_SECONDS, 0
        while (part := self._next()) is not None:
            try:
                record(part.outcomes, lock_seconds=part.lock_seconds, inform=not part.told)
            except Exception as error:
                self._failed(part, error)
                if _is_away(error):
                    raise
            else:
                self._end(part.outcomes)
            tried += 1
            if tried > 1 and time.monotonic() > until:
                return

    def _next(self) -> _Part | None:
        now = time.monotonic()
        found = next((part for part in self._parts if part.at <= now), None)
        if found is not None:
            self._parts.remove(found)
        return found

    def _failed(self, part: _Part, error: Exception) -> None:
        """What outlived its channel's lease is dropped: another dispatcher may have it."""
        now = time.monotonic()
        late = {pk for pk in {one.request_id for one in part.outcomes} if outlived(self._requests[pk], now)}
        left = [one for one in part.outcomes if one.request_id not in late]
        self._end(one for one in part.outcomes if one.request_id in late)
        if len(left) > 1:
            log.warning("recording is done in parts", outcomes=len(left), because=str(error))
            self._parts.extend(_Part(some, lock_seconds=AGAIN_LOCK_SECONDS) for some in _split(left))
        elif left:
            self._failed_alone(part, left[0], error, now)

    def _failed_alone(self, part: _Part, one: CompletedAttempt, error: Exception, now: float) -> None:
        if isinstance(error, OperationalError | InterfaceError):
            self._parts.append(_Part([one], AGAIN_LOCK_SECONDS, now + AGAIN_SECONDS, part.told))
            return
        delivery = str(one.delivery.pk)
        log.error("recording failed inside the hub", delivery=delivery, **named(one.destination), exc_info=error)
        if part.told:
            self._end([one])  # its lease runs out
            return
        words = f"recording failed inside the hub ({type(error).__name__}); see the log"
        self._parts.append(_Part([replace(one, outcome=Outcome(Verdict.UNAVAILABLE, words))], told=True))

    def _end(self, outcomes: Iterable[CompletedAttempt]) -> None:
        for one in outcomes:
            self._left[one.request_id] -= 1
            if not self._left[one.request_id]:
                del self._left[one.request_id]
                self._done(self._requests.pop(one.request_id))


def outlived(sent: Sent, now: float) -> bool:
    """Whether a request is older than its channel's whole lease."""
    return now - sent.claimed > channels()[sent.request.destination.channel].lease_seconds


def _completed(sent: Sent) -> list[CompletedAttempt]:
    request_id, began = uuid.uuid4(), timezone.now() - timedelta(seconds=time.monotonic() - sent.began)
    milliseconds = (sent.ended - sent.began) * 1000
    return [
        CompletedAttempt(delivery, sent.request.destination, sent.lease, outcome, request_id, began, milliseconds)
        for delivery, outcome in zip(sent.request.deliveries, sent.outcomes, strict=True)
    ]


def _split(outcomes: Sequence[CompletedAttempt]) -> list[Sequence[CompletedAttempt]]:
    of: dict[int, list[CompletedAttempt]] = defaultdict(list)
    for one in outcomes:
        of[one.destination.pk].append(one)
    middle = len(outcomes) // 2
    return list(of.values()) if len(of) > 1 else [outcomes[:middle], outcomes[middle:]]


def _is_away(error: Exception) -> bool:
    if isinstance(error, OperationalError):
        return not (was_in_the_way(error) or took_too_long(error))
    return isinstance(error, InterfaceError)
