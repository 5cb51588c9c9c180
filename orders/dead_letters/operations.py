"""What retrying and discarding a dead event and a dead delivery have in common: the lock, the refusals, the result.

What differs is in ``dead_events`` and ``dead_deliveries``.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet

from orders.database.clock import DatabaseClock
from orders.database.lock_errors import limit_lock_waits, took_too_long, was_in_the_way
from orders.models import Delivery, Lane, OperatorAction, OrderEvent, OrderQueue
from orders.values.order_key import OrderKey

IN_THE_WAY = "another transaction has it locked, or the database is too slow just now; try again in a minute"
BUSY_SECONDS = 3.0
"""How long an operator's change waits for the worker that leased the order or lane; most work takes far less."""

Letter = OrderEvent | Delivery
Leased = TypeVar("Leased", OrderQueue, Lane)


class NotDead(Exception):
    """Only dead events can be previewed, retried or discarded; this one is {status}."""

    def __init__(self, letters: str, status: str) -> None:
        super().__init__(f"only dead {letters} can be previewed, retried or discarded; this one is {status}")


class Busy(Exception):
    """The order or lane cannot be locked or changed just now; the message says why and when to try again."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result (of a preview: the expected result) for one dead letter; ``kind`` is event or delivery."""

    kind: str
    pk: uuid.UUID
    sequence: int
    outcome: str
    superseded_by: uuid.UUID | None = None
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            f"{self.kind}Id": str(self.pk),
            "sequence": self.sequence,
            "outcome": self.outcome,
            "supersededBy": str(self.superseded_by) if self.superseded_by else None,
            "detail": self.detail,
        }


def result(letter: Letter, outcome: str = "", newer: uuid.UUID | None = None, *, detail: str) -> Result:
    """``outcome`` is the letter's new status, unless given."""
    return Result(_kind(letter), letter.pk, letter.sequence, outcome or letter.status, newer, detail)


@contextmanager
def locked(rows: QuerySet[Leased], *, busy: str) -> Iterator[Leased]:
    """In a transaction, lock the one queue or lane of ``rows`` once nobody has it leased.

    Waits BUSY_SECONDS at most, then raises Busy; also when a lock or a statement inside takes too long.
    """
    try:
        with _locked(rows, busy=busy) as row:
            yield row
    except OperationalError as trouble:
        if not (was_in_the_way(trouble) or took_too_long(trouble)):
            raise
        raise Busy(IN_THE_WAY) from trouble


@contextmanager
def _locked(rows: QuerySet[Leased], *, busy: str) -> Iterator[Leased]:
    until = time.monotonic() + BUSY_SECONDS
    while True:
        with transaction.atomic():
            limit_lock_waits()
            free = Q(lease__isnull=True) | Q(due_at__lte=DatabaseClock().now())
            row = rows.select_for_update().filter(free).first()
            if row:
                yield row
                return
        if time.monotonic() > until:
            raise Busy(busy)
        time.sleep(0.02)


def end_lease_of_a_lost_worker(row: OrderQueue | Lane) -> None:
    if row.lease:
        row.lease, row.losses = None, max(row.losses, 1)
        row.save(update_fields=["lease", "losses"])


def make_pending(letter: Letter) -> None:
    """With a new schedule."""
    letter.status, letter.finished_at, letter.tries_left_from = "pending", None, letter.attempts
    letter.save(update_fields=["status", "finished_at", "tries_left_from"])


def supersede(letter: Letter, newer: uuid.UUID, *, detail: str) -> Result:
    letter.status, letter.superseded_by, letter.finished_at = "superseded", newer, DatabaseClock().now()
    letter.save(update_fields=["status", "superseded_by", "finished_at"])
    return result(letter, newer=newer, detail=detail)


def discard(letter: Letter) -> None:
    letter.status, letter.finished_at = "discarded", DatabaseClock().now()
    letter.save(update_fields=["status", "finished_at"])


def due_first() -> datetime:
    """Before everything that becomes due now."""
    return DatabaseClock().now() - timedelta(microseconds=1)


def note(key: OrderKey, letter: Letter, *, who: str, action: str, reason: str) -> None:
    done = {"action": action, "subject": f"{_kind(letter)}:{letter.pk}", "outcome": letter.status}
    OperatorAction.objects.create(**key._asdict(), **done, who=who, reason=reason)


def _kind(letter: Letter) -> str:
    return "event" if isinstance(letter, OrderEvent) else "delivery"
