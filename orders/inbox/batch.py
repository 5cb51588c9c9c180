"""One applying transaction: read events in sequence; write orders, events, deliveries and queues in bulk.

PoisonEvent   an event of the batch cannot be applied; everything is rolled back
LeaseLost     another worker has a queue of the batch by now; everything is rolled back
TenantsLocked migrating tenants are being changed; everything is rolled back
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F

from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.documents import digest, load, parse_instant, render, stored_order, translate_status
from orders.inbox.fault_injection import InjectedFault, inject
from orders.inbox.notification_rule import is_known_before, not_notified_because
from orders.integrations.channels import Change
from orders.models import Order, OrderEvent, OrderQueue, Tenant
from orders.outbox.planning import Plan
from orders.values.order_key import OrderKey
from orders.values.problems import InvalidBody

EVENTS_MOST = 2_000
"""Events per batch: bounds the transaction and its memory when one order has a long queue."""


class PoisonEvent(Exception):
    """An event cannot be applied. ``words`` say why, for a person."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class LeaseLost(Exception):
    """The lease ran out and another worker may have the queue, so nothing is recorded."""


class TenantsLocked(Exception):
    """Migrating tenants that another transaction is changing: nothing of theirs can be judged until it ends."""

    def __init__(self, ids: Collection[int]) -> None:
        super().__init__(f"tenants {sorted(ids)} are being changed")
        self.ids = frozenset(ids)


class PendingEvent(NamedTuple):
    """The columns of an event that applying needs; model instances would cost more than all other work."""

    pk: UUID
    queue_id: int
    sequence: int
    payload: str
    attempts: int
    received_at: datetime
    correlation_id: str


@dataclass(slots=True)
class _Present:
    """An order as it stands within the batch."""

    document: dict[str, Any] | None
    digest: str
    applied_sequence: int
    received_at: datetime
    updated_at: datetime
    known_before: bool = False
    touched: bool = False


class Batch:
    """The queues claimed under one lease. ``apply`` is called once, inside a transaction."""

    def __init__(
        self, lease: UUID, queues: Sequence[OrderQueue], *, events_most: int = EVENTS_MOST, keep_lease: bool = False
    ) -> None:
        """``keep_lease``: if events are left over, keep the lease instead of releasing the queues."""
        self._lease = lease
        self._queues = sorted(queues, key=lambda queue: queue.pk)
        self._events_most = events_most
        self._keep_lease = keep_lease
        self._clock = DatabaseClock()
        self._plan = Plan()
        self._applied: list[tuple[UUID, bool, int]] = []
        self.applied_of: Counter[int] = Counter()
        """Events applied, by tenant."""
        self._overtaken: list[tuple[UUID, UUID | None]] = []
        self.released = False
        """False when events are left over for another transaction under the same lease."""

    def apply(self) -> int:
        """Apply, write and release; returns how many deliveries it added. Raises what the module names."""
        try:
            events, cut = self._events()
            orders = self._orders(events)
            changes = self._fold(events, orders)
            self._write_orders(orders)
            if settings.HUB_FAULT_INJECTION:
                inject([event for line in events.values() for event in line])
            self._ask_channels(changes)
            required = self._plan.write()
            self._write_events()
            self._release(events, cut=cut)
        except InjectedFault as fault:
            raise PoisonEvent(str(fault)) from fault
        except InvalidBody as refused:
            faults = "; ".join(f"{fault.pointer} {fault.detail}" for fault in refused.errors[:3])
            raise PoisonEvent(f"the stored body is not valid: {faults or refused.detail}") from refused
        except (OperationalError, InterfaceError, PoisonEvent, LeaseLost, TenantsLocked):
            raise
        except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise PoisonEvent(f"applying failed inside the hub ({type(error).__name__}: {error})"[:500]) from error
        return required

    def applied_events(self) -> Iterator[UUID]:
        return (pk for pk, *_ in self._applied)

    def _events(self) -> tuple[Mapping[int, list[PendingEvent]], bool]:
        ids = [queue.pk for queue in self._queues]
        pending = (
            OrderEvent.objects.filter(queue__in=ids, status=OrderEvent.Status.PENDING)
            .filter(sequence__gt=F("queue__done_sequence"))
            .order_by("queue_id", "sequence")
            .values_list("id", "queue_id", "sequence", "payload", "attempts", "received_at", "correlation_id")
        )
        rows = list(pending[: self._events_most + 1])
        cut = len(rows) > self._events_most
        lines: dict[int, list[PendingEvent]] = defaultdict(list)
        for row in rows[: self._events_most]:
            lines[row[1]].append(PendingEvent(*row))
        return lines, cut

    def _orders(self, events: Mapping[int, list[PendingEvent]]) -> dict[int, _Present]:
        stored = Order.objects.filter(queue__in=list(events)).values_list(
            "queue_id", "document", "digest", "applied_sequence", "received_at", "updated_at", "known_before"
        )
        orders = {row[0]: _Present(load(row[1]), *row[2:]) for row in stored}
        for queue_id, line in events.items():
            orders.setdefault(queue_id, _Present(None, "", 0, line[0].received_at, line[0].received_at))
        return orders

    def _fold(
        self, events: Mapping[int, list[PendingEvent]], orders: Mapping[int, _Present]
    ) -> dict[int, list[Change]]:
        """Apply each queue's events in sequence to its order; returns the changes by tenant."""
        tenants = _tenants({queue.tenant_id for queue in self._queues})
        changes: dict[int, list[Change]] = defaultdict(list)
        for queue in self._queues:
            for event in events.get(queue.pk, ()):
                change = self._fold_one(queue, event, orders[queue.pk], tenants[queue.tenant_id])
                if change:
                    changes[queue.tenant_id].append(change)
        self._tenants = tenants
        return changes

    def _fold_one(self, queue: OrderQueue, event: PendingEvent, order: _Present, tenant: Tenant) -> Change | None:
        if event.sequence <= order.applied_sequence:
            self._overtaken.append((event.pk, event_at(queue.pk, order.applied_sequence)))
            return None
        before = order.document
        after = translate_status(stored_order(event.payload.encode()), tenant.status_map)
        print_after = digest(after)
        changed = print_after != order.digest
        order.applied_sequence = event.sequence
        order.touched = True
        self._applied.append((event.pk, changed, event.attempts + 1))
        self.applied_of[queue.tenant_id] += 1
        if not changed:
            return None
        now = self._clock.now()
        order.document, order.digest, order.updated_at = after, print_after, now
        not_notified = ""
        if order.known_before or tenant.has_migrated:
            not_notified = _not_notified(tenant, event, order, is_new=before is None)
        return Change(
            key=queue.key,
            sequence=event.sequence,
            event_id=event.pk,
            before=before,
            after=after,
            received_at=event.received_at,
            applied_at=now,
            correlation_id=event.correlation_id,
            not_notified=not_notified,
        )

    def _ask_channels(self, changes: Mapping[int, list[Change]]) -> None:
        queue_ids: dict[OrderKey, int] = {queue.key: queue.pk for queue in self._queues}
        for tenant_id, line in sorted(changes.items()):
            self._plan.add(self._tenants[tenant_id], line, queue_ids)

    def _write_orders(self, orders: Mapping[int, _Present]) -> None:
        keys = {queue.pk: queue.key for queue in self._queues}
        rows = [
            (
                queue_id,
                *keys[queue_id],
                *_columns(order.document or {}),
                order.digest,
                order.applied_sequence,
                order.received_at,
                order.updated_at,
                order.known_before,
            )
            for queue_id, order in sorted(orders.items())
            if order.touched
        ]
        if _ORDER.execute(_WRITE_ORDERS, rows) != len(rows):
            raise LeaseLost("an order was applied further by somebody else")

    def _write_events(self) -> None:
        now = self._clock.now()
        _APPLIED.execute(_WRITE_APPLIED, sorted(self._applied), after=_FINISHED.adapted([now]))
        required = [(pk, orjson.dumps(lines).decode()) for pk, lines in sorted(self._plan.required_of.items())]
        _REQUIRED.execute(_WRITE_REQUIRED, required)
        for pk, newer in self._overtaken:
            OrderEvent.objects.filter(pk=pk).update(
                status=OrderEvent.Status.SUPERSEDED, superseded_by=newer, finished_at=now
            )

    def _lock_queues(self) -> None:
        """Lock the queues by id (docs/design/locks.md); a bulk UPDATE alone would lock in the order of its plan."""
        queues = OrderQueue.objects.select_for_update(no_key=True).filter(pk__in=[queue.pk for queue in self._queues])
        list(queues.filter(lease=self._lease).order_by("pk").values_list("pk"))

    def _release(self, events: Mapping[int, list[PendingEvent]], *, cut: bool) -> None:
        """End the lease; a queue with events received meanwhile or left over is due at once. Raises LeaseLost."""
        rows = []
        for queue in self._queues:
            line = events.get(queue.pk)
            done = line[-1].sequence if line else queue.done_sequence
            rows.append((queue.pk, done if cut else max(done, queue.last_sequence)))
        self._lock_queues()
        now, lease = _LEASE.adapted([self._clock.now(), self._lease])
        keep = cut and self._keep_lease
        sql, after = (_KEEP, [lease]) if keep else (_RELEASE, [now, lease])
        if _DONE.execute(sql, rows, after=after) != len(rows):
            raise LeaseLost("the lease ran out before the work was done")
        self.released = not keep


def _tenants(ids: Collection[int]) -> dict[int, Tenant]:
    """Tenants by id. Migrating ones are read again under a shared lock: a cut-over may have set ``tells_from``, whose
    moment decides about events received after it, and not have committed yet. Raises TenantsLocked then.
    """
    tenants = Tenant.objects.in_bulk(ids)
    migrating = sorted(pk for pk, tenant in tenants.items() if tenant.mode == Tenant.Mode.MIGRATING)
    if migrating and connection.vendor == "postgresql":
        locked = "SELECT * FROM orders_tenant WHERE id = ANY(%s) ORDER BY id FOR SHARE SKIP LOCKED"
        present = {tenant.pk: tenant for tenant in Tenant.objects.raw(locked, [migrating])}
        if len(present) < len(migrating):
            raise TenantsLocked(set(migrating) - present.keys())
        tenants |= present
    return tenants


def event_at(queue_id: int, sequence: int) -> UUID | None:
    """The id of an order's event by its sequence."""
    return OrderEvent.objects.filter(queue=queue_id, sequence=sequence).values_list("pk", flat=True).first()


def _not_notified(tenant: Tenant, event: PendingEvent, order: _Present, *, is_new: bool) -> str:
    """Why a change notifies nobody. The one place where the notification rule of a migration hooks in."""
    if is_new:
        order.known_before = is_known_before(tenant, first_received_at=_first_received_at(event, tenant))
    return not_notified_because(tenant, received_at=event.received_at, known_before=order.known_before)


def _first_received_at(event: PendingEvent, tenant: Tenant) -> datetime:
    """When the order that this event stores for the first time was first received: an earlier event may have failed.

    It queries only for a tenant with ``tells_from``, where the answer matters.
    """
    if event.sequence == 1 or tenant.tells_from is None:
        return event.received_at
    first = OrderEvent.objects.filter(queue=event.queue_id, sequence=1).values_list("received_at", flat=True).first()
    return first or event.received_at


def _columns(document: Mapping[str, Any]) -> tuple[Any, ...]:
    placed = document.get("placedDateTime")
    items = list(dict.fromkeys(item["itemId"] for item in document["items"]))
    return (
        document["customerId"],
        document["status"],
        parse_instant(placed) if placed else None,
        items,
        render(document).decode(),
    )


_ORDER = Columns(
    Order, "queue", "tenant", "business_unit_id", "customer_order_id", "customer_id", "status", "placed_at",
    "item_ids", "document", "digest", "applied_sequence", "received_at", "updated_at", "known_before",
)  # fmt: skip
_APPLIED = Columns(OrderEvent, "id", "changed", "attempts")
_REQUIRED = Columns(OrderEvent, "id", "owes")
_FINISHED = Columns(OrderEvent, "finished_at")
_DONE = Columns(OrderQueue, "id", "done_sequence")
_LEASE = Columns(OrderQueue, "due_at", "lease")
_WRITE_ORDERS = """
    INSERT INTO orders_order
        (queue_id, tenant_id, business_unit_id, customer_order_id, customer_id, status, placed_at, item_ids,
         document, digest, applied_sequence, received_at, updated_at, known_before)
    {rows}
    ON CONFLICT (queue_id) DO UPDATE SET
        customer_id = excluded.customer_id, status = excluded.status, placed_at = excluded.placed_at,
        item_ids = excluded.item_ids, document = excluded.document, digest = excluded.digest,
        applied_sequence = excluded.applied_sequence, updated_at = excluded.updated_at
    WHERE orders_order.applied_sequence < excluded.applied_sequence
"""
_WRITE_APPLIED = """
    WITH done (id, changed, attempts) AS ({rows})
    UPDATE orders_orderevent SET status = 'applied', changed = done.changed, error = '', attempts = done.attempts,
        finished_at = %s
    FROM done WHERE orders_orderevent.id = done.id
"""
_WRITE_REQUIRED = """
    WITH done (id, owes) AS ({rows})
    UPDATE orders_orderevent SET owes = done.owes FROM done WHERE orders_orderevent.id = done.id
"""
_RELEASE = """
    WITH done (id, sequence) AS ({rows})
    UPDATE orders_orderqueue SET lease = NULL, losses = 0, done_sequence = done.sequence,
        due_at = CASE WHEN last_sequence > done.sequence THEN %s END
    FROM done WHERE orders_orderqueue.id = done.id AND lease = %s
"""
_KEEP = """
    WITH done (id, sequence) AS ({rows})
    UPDATE orders_orderqueue SET losses = 0, done_sequence = done.sequence
    FROM done WHERE orders_orderqueue.id = done.id AND lease = %s
"""
