"""Receive many events at once, with the same queues and sequences as ``orders.inbox.reception`` gives to one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.database.ids import new_id
from orders.inbox.reception import Accepted
from orders.models import OrderEvent, OrderQueue
from orders.telemetry import counters


@dataclass(frozen=True, slots=True)
class Received:
    """One event of several received together."""

    business_unit_id: str
    customer_order_id: str
    payload: bytes
    warnings: str = ""
    """JSON, as ``OrderEvent.warnings``."""

    @property
    def place(self) -> tuple[str, str]:
        return self.business_unit_id, self.customer_order_id


def accept_all(
    events: Sequence[Received], *, tenant_id: int, client_id: int | None, correlation_id: str
) -> list[Accepted]:
    """Store many events of one tenant in the caller's transaction; events of one order get consecutive sequences.

    Two statements, however many events. Queues are locked by id, new ones afterwards by name, so that two transactions
    with the same orders do not deadlock.
    """
    counts = Counter(event.place for event in events)
    queues = _take_sequences(counts, tenant_id)
    following = {place: queues[place][1] - count for place, count in counts.items()}
    accepted, rows = [], []
    for event in events:
        following[event.place] += 1
        one = Accepted(new_id(), following[event.place])
        accepted.append(one)
        queue_id, text = queues[event.place][0], event.payload.decode()
        rows.append((one.event_id, queue_id, tenant_id, one.sequence, text, client_id, correlation_id, event.warnings))
    _EVENT.execute(_STORE_EVENTS, rows)
    transaction.on_commit(partial(counters.received, tenant_id, len(accepted)))
    return accepted


def _take_sequences(counts: Mapping[tuple[str, str], int], tenant_id: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Reserve as many sequences per order as it has events; returns (queue id, last sequence) of each."""
    now = DatabaseClock().now()
    rows = [(tenant_id, *place, count, 0, now, 0) for place, count in sorted(counts.items())]
    return {(unit, order): (pk, last) for pk, unit, order, last in _QUEUE.fetch(_TAKE_SEQUENCES, rows)}


_QUEUE = Columns(
    OrderQueue, "tenant", "business_unit_id", "customer_order_id", "last_sequence", "done_sequence", "due_at", "losses"
)
_TAKE_SEQUENCES = """
    WITH given (tenant_id, business_unit_id, customer_order_id, last_sequence, done_sequence, due_at, losses)
        AS ({rows})
    INSERT INTO orders_orderqueue AS queue
        (tenant_id, business_unit_id, customer_order_id, last_sequence, done_sequence, due_at, losses)
    SELECT given.tenant_id, given.business_unit_id, given.customer_order_id, given.last_sequence, given.done_sequence,
        given.due_at, given.losses
    FROM given LEFT JOIN orders_orderqueue AS known ON known.tenant_id = given.tenant_id
        AND known.business_unit_id = given.business_unit_id AND known.customer_order_id = given.customer_order_id
    WHERE true ORDER BY known.id IS NULL, known.id, given.business_unit_id, given.customer_order_id
    ON CONFLICT (tenant_id, business_unit_id, customer_order_id) DO UPDATE
    SET last_sequence = queue.last_sequence + excluded.last_sequence, due_at = coalesce(queue.due_at, excluded.due_at)
    RETURNING id, business_unit_id, customer_order_id, last_sequence
"""
_EVENT = Columns(OrderEvent, "id", "queue", "tenant", "sequence", "payload", "client", "correlation_id", "warnings")
_STORE_EVENTS = """
    INSERT INTO orders_orderevent
        (id, queue_id, tenant_id, sequence, payload, client_id, correlation_id, warnings) {rows}
"""
