"""Store many orders of one request, once per Idempotency-Key.

The key's row, the events and the answer are written in one transaction, so a request that dies stores nothing and no
key. Of two simultaneous requests with the same key one inserts its row; the unique constraint makes the other wait and
return the same answer.

    IdempotencyKeyReused   the key came with another body before
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
from django.db import OperationalError, transaction

from orders.cutover.load_lines import Refused, judged, numbered
from orders.database.clock import DatabaseClock
from orders.inbox.bulk_reception import Received, accept_all
from orders.inbox.reception import Accepted
from orders.models import LoadRequest
from orders.queueing.wake_ups import wake_inbound
from orders.values.problems import IdempotencyKeyReused

if TYPE_CHECKING:
    from orders.access.bearer_tokens import Caller

KEPT = timedelta(hours=24)
"""docs/reference/api.md#loads."""
TRIES = 3
"""Attempts at a transaction that ended in a deadlock, which the order of locks makes rare."""
DEADLOCK = "40P01"
"""PostgreSQL's SQLSTATE."""

Judged = Sequence[tuple[int, Received | Refused]]


@dataclass(frozen=True, slots=True)
class Load:
    """One request: its caller, its body, and its Idempotency-Key (empty: none)."""

    caller: Caller
    body: bytes
    key: str
    correlation_id: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def load(wanted: Load) -> bytes:
    """Store every valid line; returns the NDJSON answer. Raises TooLarge, InvalidBody, IdempotencyKeyReused."""
    answered = _answered(wanted) if wanted.key else None
    if answered is not None:
        return answered
    may_use, tenant = wanted.caller.may_use, wanted.caller.tenant
    lines = [(number, judged(line, tenant, may_use=may_use)) for number, line in numbered(wanted.body)]
    for left in reversed(range(TRIES)):
        try:
            answer = _store(wanted, lines)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != DEADLOCK or not left:
                raise
        else:
            break
    wake_inbound()
    return answer


@transaction.atomic
def _store(wanted: Load, lines: Judged) -> bytes:
    row = _claim(wanted) if wanted.key else None
    if isinstance(row, bytes):
        return row
    good = [one for _, one in lines if isinstance(one, Received)]
    caller = wanted.caller
    accepted = accept_all(
        good, tenant_id=caller.tenant.pk, client_id=caller.client.pk, correlation_id=wanted.correlation_id
    )
    answer = _written(lines, accepted)
    if row is not None:
        LoadRequest.objects.filter(pk=row.pk).update(answer=zlib.compress(answer))
    return answer


def _claim(wanted: Load) -> LoadRequest | bytes:
    """Insert the key's row, which locks it; or the answer of an earlier request with the key."""
    mine = LoadRequest(client=wanted.caller.client, key=wanted.key, nonce=uuid.uuid4(), body_digest=wanted.digest)
    of_key = LoadRequest.objects.filter(client=mine.client, key=mine.key)
    of_key.filter(created_at__lt=DatabaseClock().now() - KEPT).delete()
    LoadRequest.objects.bulk_create([mine], ignore_conflicts=True)
    stored = of_key.get()
    return stored if stored.nonce == mine.nonce else _replayed(stored, wanted)


def _answered(wanted: Load) -> bytes | None:
    """The answer of an earlier request with this key, looked up before the body is read."""
    since = DatabaseClock().now() - KEPT
    stored = LoadRequest.objects.filter(client=wanted.caller.client, key=wanted.key, created_at__gte=since).first()
    return None if stored is None else _replayed(stored, wanted)


def _replayed(stored: LoadRequest, wanted: Load) -> bytes:
    if stored.body_digest != wanted.digest:
        raise IdempotencyKeyReused("This Idempotency-Key came with another body before; use a new key for a new body.")
    return zlib.decompress(stored.answer)


def _written(lines: Judged, accepted: Sequence[Accepted]) -> bytes:
    taken = iter(accepted)
    answers = []
    for number, one in lines:
        if isinstance(one, Refused):
            answer = {"line": number, "status": one.status, "errors": [fault.as_json() for fault in one.faults]}
        else:
            event = next(taken)
            answer = {"line": number, "status": 202, "eventId": str(event.event_id), "sequence": event.sequence}
        answers.append(orjson.dumps(answer))
    return b"\n".join(answers) + b"\n"


def remove_expired(*, most: int) -> int:
    """Delete expired keys, at most ``most``; returns how many."""
    old = LoadRequest.objects.filter(created_at__lt=DatabaseClock().now() - KEPT).values_list("pk", flat=True)
    return LoadRequest.objects.filter(pk__in=list(old[:most])).delete()[0]
