"""Any order of receptions, failures, lost workers and operators' verbs, against a model that a person can check."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_events, operations
from orders.dead_letters.operations import Busy
from orders.documents import digest, stored_order
from orders.inbox import applying, batch
from orders.inbox.event_status import event_statuses
from orders.inbox.fault_injection import InjectedFault
from orders.models import OperatorAction, Order, OrderEvent, OrderQueue, Tenant
from orders.monitoring.invariants import broken_invariants
from orders.queueing.claims import QUEUES, claim
from tests.bodies import body
from tests.engine_fixtures import Engine
from tests.state_machines import EXAMPLES, InOneTransaction, run_machine

pytestmark = [pytest.mark.both, pytest.mark.fuzz, pytest.mark.django_db]

STEPS = 30
ORDERS = ("a", "b", "c")
TRIES, LOSSES = 2, 3
"""The tenant's schedule has one retry, an hour away; three lost workers are a try."""
an_order = st.sampled_from(ORDERS)


class Killed(BaseException):
    """As if the worker ended at this line."""


@dataclass
class Modelled:
    """One order as it should be; events are counted from 0 here."""

    documents: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    spent: list[int] = field(default_factory=list)
    """Attempts that do not count for the present schedule."""
    applied: int = 0
    losses: int = 0
    poisoned: bool = False
    waits: bool = False
    held: bool = False

    def drain(self):
        while self.due:
            head = self.statuses.index("pending")
            failed, self.losses = self.poisoned or self.losses >= LOSSES, 0
            self.attempts[head] += 1
            if not failed and head < self.applied:
                self.statuses[head], self.attempts[head] = "superseded", self.attempts[head] - 1
            elif not failed:
                self.statuses[head], self.applied = "applied", head + 1
            elif self.attempts[head] - self.spent[head] >= TRIES:
                self.statuses[head] = "dead"
            else:
                self.waits = True

    def put(self, document):
        for column, value in (
            (self.documents, document),
            (self.statuses, "pending"),
            (self.attempts, 0),
            (self.spent, 0),
        ):
            column.append(value)

    def retry(self, at):
        if self.applied > at + 1:
            self.statuses[at] = "superseded"
            return
        if "pending" not in self.statuses[:at]:
            self.waits, self.losses = False, 0
        self.statuses[at], self.spent[at] = "pending", self.attempts[at]

    def time_comes(self):
        self.losses = max(self.losses, 1) if self.held else self.losses
        self.held = self.waits = False

    @property
    def due(self):
        return "pending" in self.statuses and not (self.waits or self.held)

    @property
    def dead(self):
        return [at for at, status in enumerate(self.statuses) if status == "dead"]

    @property
    def stale(self):
        return [at for at in self.dead if at + 1 < self.applied]


class InboxMachine(InOneTransaction):
    def __init__(self):
        super().__init__()
        slug = uuid.uuid4().hex
        self.engine = Engine(Tenant.objects.create(slug=slug, name=slug, mode="events", event_retry_schedule=[3600]))
        self.queues = OrderQueue.objects.filter(tenant=self.engine.tenant)
        self.model = {order: Modelled() for order in ORDERS}
        self.lost = []
        """What workers held that may come back: (lease, their queues as they read them)."""

    @initialize()
    def a_past(self):
        """One order with a dead event that was overtaken, one with a dead event and a successor that waits."""
        self.bury("a", more=True)
        self.bury("b", more=False)
        self.put("b", "19.9")

    @rule(order=an_order, price=st.sampled_from(("19.9", "19.90")))
    def put(self, order, price):
        event = self.engine.put(order, price=price)
        self.model[order].put(digest(stored_order(body(order, price=price))))
        assert event.sequence == len(self.model[order].documents)

    @rule(order=an_order)
    def poison_or_mend(self, order):
        self.model[order].poisoned = not self.model[order].poisoned

    @rule()
    def drain(self):
        with self.poisons():
            self.engine.drain()
        for modelled in self.model.values():
            modelled.drain()

    @rule()
    def time_comes(self):
        """Retries come due, leases run out."""
        self.queues.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))
        for modelled in self.model.values():
            modelled.time_comes()

    @rule(order=an_order, more=st.booleans())
    def bury(self, order, more):
        """The shortest road to a dead event; with ``more`` one that waits behind it and is applied after it."""
        self.put(order, "20")
        if more:
            self.put(order, "19.9")
        was, self.model[order].poisoned = self.model[order].poisoned, True
        for _ in range(TRIES):
            self.time_comes()
            self.drain()
        self.model[order].poisoned = was
        if more:
            self.time_comes()
            self.drain()

    @precondition(lambda self: any(modelled.due for modelled in self.model.values()))
    @rule(data=st.data(), times=st.integers(2, LOSSES))
    def lose_workers_in_a_row(self, data, times):
        order = data.draw(st.sampled_from([order for order in ORDERS if self.model[order].due]))
        for _ in range(times):
            self.lose_a_worker_at(order, "_release")
            self.time_comes()

    @rule()
    def lose_a_worker_before_it_begins(self):
        lease, ids = claim(QUEUES, {self.engine.tenant.pk: 10}, lease_seconds=3600)
        held = list(self.queues.filter(pk__in=ids))
        assert {queue.customer_order_id for queue in held} == {order for order in ORDERS if self.model[order].due}
        self.lost.append((lease, held))
        for queue in held:
            self.model[queue.customer_order_id].held = True

    @precondition(lambda self: any(modelled.due for modelled in self.model.values()))
    @rule(data=st.data(), line=st.sampled_from(("_events", "_write_events", "_release")))
    def lose_a_worker_while_it_applies(self, data, line):
        self.lose_a_worker_at(data.draw(st.sampled_from([order for order in ORDERS if self.model[order].due])), line)

    def lose_a_worker_at(self, order, line):
        if self.model[order].losses >= LOSSES:
            return
        with self.only(order), pytest.MonkeyPatch.context() as patched:
            patched.setattr(batch.Batch, line, _die)
            with pytest.raises(Killed):
                self.engine.drain()
        self.model[order].losses += 1
        self.model[order].held = True

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def a_lost_worker_comes_back(self, data):
        """What it still holds it applies; what others have by now it leaves alone."""
        lease, queues = data.draw(st.sampled_from(self.lost))
        with self.poisons():
            for queue in queues:
                if self.queues.filter(pk=queue.pk, lease=lease).exists():
                    self.model[queue.customer_order_id].held = False
                applying._apply_alone(lease, queue)
        self.drain()

    @precondition(lambda self: any(modelled.dead for modelled in self.model.values()))
    @rule(data=st.data())
    def preview(self, data):
        self.operate(data, self._preview)

    @precondition(lambda self: any(modelled.dead for modelled in self.model.values()))
    @rule(data=st.data())
    def retry(self, data):
        self.operate(data, self._retry)

    @precondition(lambda self: any(modelled.dead for modelled in self.model.values()))
    @rule(data=st.data())
    def discard(self, data):
        self.operate(data, self._discard)

    def operate(self, data, verb):
        order = data.draw(st.sampled_from([order for order in ORDERS if self.model[order].dead]))
        at = data.draw(st.sampled_from(self.model[order].dead))
        event = self.engine.queue(order).events.get(sequence=at + 1)
        if self.model[order].held:
            with pytest.raises(Busy):
                dead_events.discard(event, who="ada")
        else:
            verb(self.model[order], at, event)

    @precondition(lambda self: any(modelled.stale and not modelled.held for modelled in self.model.values()))
    @rule(data=st.data())
    def a_stale_event_is_found_pending(self, data):
        """As a row that a hand or another version of the hub wrote: the batch too never rolls an order back."""
        able = [order for order in ORDERS if self.model[order].stale and not self.model[order].held]
        order = data.draw(st.sampled_from(able))
        queue, at = self.engine.queue(order), data.draw(st.sampled_from(self.model[order].stale))
        queue.events.filter(sequence=at + 1).update(status="pending", finished_at=None, tries_left_from=F("attempts"))
        queue.done_sequence, queue.due_at = min(queue.done_sequence, at), queue.due_at or DatabaseClock().now(-1)
        queue.save(update_fields=["done_sequence", "due_at"])
        self.model[order].statuses[at], self.model[order].spent[at] = "pending", self.model[order].attempts[at]

    def _preview(self, modelled, at, event):
        before = self.rows()
        with self.poisons():
            outcome = dead_events.preview(event).outcome
        foretold = "would_fail" if modelled.poisoned else "would_apply"
        assert outcome == ("would_supersede" if modelled.applied > at + 1 else foretold)
        assert self.rows() == before

    def _retry(self, modelled, at, event):
        modelled.retry(at)
        assert dead_events.retry(event, who="ada").outcome == modelled.statuses[at]

    def _discard(self, modelled, at, event):
        modelled.statuses[at] = "discarded"
        assert dead_events.discard(event, who="ada").outcome == "discarded"

    @invariant()
    def every_event_has_its_fate_and_its_attempts(self):
        for order, modelled in self.model.items():
            events = OrderEvent.objects.filter(queue__tenant=self.engine.tenant, queue__customer_order_id=order)
            rows = list(events.order_by("sequence").values_list("sequence", "status", "attempts"))
            fated = zip(modelled.statuses, modelled.attempts, strict=True)
            assert rows == [(at, *fate) for at, fate in enumerate(fated, start=1)], order

    @invariant()
    def every_order_is_the_document_of_its_highest_applied_event(self):
        for order, modelled in self.model.items():
            row = Order.objects.filter(tenant=self.engine.tenant, customer_order_id=order).first()
            assert (row.applied_sequence if row else 0) == modelled.applied
            assert row is None or row.digest == modelled.documents[modelled.applied - 1]

    @invariant()
    def no_row_is_stuck_or_contradicts_another(self):
        assert broken_invariants(self.engine.tenant.pk) == []

    @invariant()
    def who_waits_is_told_behind_which_event(self):
        pending = OrderEvent.objects.pending().filter(status="pending", tenant=self.engine.tenant)
        for fate in event_statuses(list(pending.select_related("queue"))):
            head = self.model[fate["customerOrderId"]].statuses.index("pending") + 1
            assert (fate["waitingBehind"] is None) == (fate["sequence"] == head)

    def settle(self):
        """Mended and given time, everything pending is applied. Nothing is left for the next example."""
        for modelled in self.model.values():
            modelled.poisoned = False
        for _ in range(TRIES):
            self.time_comes()
            self.drain()
        self.every_event_has_its_fate_and_its_attempts()
        self.every_order_is_the_document_of_its_highest_applied_event()
        assert not self.queues.filter(due_at__isnull=False).exists()

    def rows(self):
        kinds = (OrderQueue, OrderEvent, Order, OperatorAction)
        return [list(kind.objects.filter(tenant=self.engine.tenant).order_by("pk").values()) for kind in kinds]

    @contextmanager
    def poisons(self):
        ids = {
            self.engine.queue(order).pk
            for order in ORDERS
            if self.model[order].poisoned and self.model[order].documents
        }

        def inject(events):
            if any(event.queue_id in ids for event in events):
                raise InjectedFault("poisoned")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(batch, "inject", inject)
            patched.setattr(batch.settings, "HUB_FAULT_INJECTION", True)
            yield

    @contextmanager
    def only(self, order):
        """No other order is due meanwhile."""
        others = self.queues.exclude(customer_order_id=order).filter(due_at__isnull=False)
        others.update(due_at=F("due_at") + timedelta(days=1))
        yield
        others.update(due_at=F("due_at") - timedelta(days=1))


def _die(*arguments, **options):
    raise Killed


def test_the_inbox_does_what_its_model_does(db, monkeypatch):
    monkeypatch.setattr(applying, "LEASE_SECONDS", 3600.0)
    monkeypatch.setattr(operations, "BUSY_SECONDS", 0.0)
    run_machine(InboxMachine, examples=EXAMPLES // 3, steps=STEPS)
