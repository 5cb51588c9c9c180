"""Reception: an accepted PUT becomes one row with the next sequence of its order, stored before the response.

On PostgreSQL this is one autocommitted statement: the lock of the queue row serialises simultaneous PUTs of one order,
and PUTs of different orders share no lock. SQLite has no data-modifying CTE, so it runs two statements in one
IMMEDIATE transaction. An identical repeat is an event like any other. A PUT with conditions locks the queue row first.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F

from orders.database.clock import DatabaseClock
from orders.database.ids import new_id
from orders.database.prepared import Prepared
from orders.inbox.conditions import Conditions, failed
from orders.models import OrderEvent, OrderQueue
from orders.telemetry import counters
from orders.values.order_key import OrderKey


@dataclass(frozen=True, slots=True)
class Accepted:
    event_id: uuid.UUID
    sequence: int


NO_CONDITIONS = Conditions()


def accept(
    key: OrderKey,
    *,
    payload: bytes,
    client_id: int | None,
    correlation_id: str,
    warnings: str = "",
    conditions: Conditions = NO_CONDITIONS,
) -> Accepted:
    """Store one event durably and make its queue due. The payload has been validated; ``warnings`` are JSON. Raises
    PreconditionFailed."""
    if not conditions:
        accepted = _stored(key, payload, client_id, correlation_id, warnings)
    else:
        with transaction.atomic():
            conditions.check(key)
            accepted = _stored(key, payload, client_id, correlation_id, warnings)
            if conditions.is_first and accepted.sequence != 1:  # there was no row to lock, and another PUT made it
                raise failed(key, "An event of this order was accepted at the same time.")
    counters.received(key.tenant_id)
    return accepted


def _stored(key: OrderKey, payload: bytes, client_id: int | None, correlation_id: str, warnings: str) -> Accepted:
    if connection.vendor == "sqlite":
        return Accepted(*_accept_sqlite(key, payload.decode(), client_id, correlation_id, warnings))
    event_id = new_id()
    row = _ACCEPT.first_row(*key, event_id, payload, client_id, correlation_id, warnings)
    return Accepted(event_id, int(row[0]))  # type: ignore[index, arg-type]  # it returns a row with a number or raises


_ACCEPT = Prepared("""
    WITH queue AS (
        INSERT INTO orders_orderqueue AS q
            (tenant_id, business_unit_id, customer_order_id, last_sequence, done_sequence, due_at, losses)
        VALUES ($1, $2, $3, 1, 0, clock_timestamp(), 0)
        ON CONFLICT (tenant_id, business_unit_id, customer_order_id) DO UPDATE
        SET last_sequence = q.last_sequence + 1, due_at = coalesce(q.due_at, excluded.due_at)
        RETURNING id, tenant_id, last_sequence
    )
    INSERT INTO orders_orderevent (id, queue_id, tenant_id, sequence, payload, client_id, correlation_id,
        warnings)
    SELECT $4, queue.id, queue.tenant_id, queue.last_sequence, $5, $6, $7, $8 FROM queue
    RETURNING sequence
""")


@transaction.atomic
def _accept_sqlite(
    key: OrderKey, payload: str, client_id: int | None, correlation_id: str, warnings: str
) -> tuple[uuid.UUID, int]:
    """The id is made inside the transaction, so that ids commit in their order (orders.database.commit_order)."""
    event_id = new_id()
    now = DatabaseClock().now()
    queue, created = OrderQueue.objects.get_or_create(**key._asdict(), defaults={"last_sequence": 1, "due_at": now})
    if not created:
        queue.last_sequence += 1
        queue.due_at = queue.due_at or now
        OrderQueue.objects.filter(pk=queue.pk).update(last_sequence=F("last_sequence") + 1, due_at=queue.due_at)
    OrderEvent.objects.create(
        id=event_id,
        queue=queue,
        tenant_id=key.tenant_id,
        sequence=queue.last_sequence,
        payload=payload,
        client_id=client_id,
        correlation_id=correlation_id,
        warnings=warnings,
    )
    return event_id, queue.last_sequence
