"""Inbox and outbox together, in any order of receptions, lost answers, lost workers and operators' actions.

The model is short: what was accepted, what each partner has been handed, and what a person discarded. Whatever happened
before, once every partner answers and every dead row was retried, each order is its newest document, nothing waits, and
the last thing a partner was handed of an order is the newest that nobody discarded.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from contextlib import suppress

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_deliveries as redeliveries
from orders.dead_letters import dead_events as replays
from orders.dead_letters import operations
from orders.dead_letters.dead_deliveries import SetAside
from orders.dead_letters.operations import Busy
from orders.inbox import applying, batch
from orders.inbox.batch import Batch
from orders.inbox.fault_injection import InjectedFault
from orders.integrations import channels
from orders.integrations.channels import Outcome, RequiredDelivery, Verdict
from orders.models import Delivery, Destination, Lane, Order, OrderEvent, OrderQueue, Tenant
from orders.monitoring.invariants import broken_invariants
from orders.outbox import destination_health, dispatcher
from tests.engine_fixtures import Engine
from tests.orders.fake_channel import FakeChannel, FakePartner
from tests.orders.outbox import record_finished
from tests.state_machines import EXAMPLES, InOneTransaction, run_machine

pytestmark = [pytest.mark.fuzz, pytest.mark.django_db]

STEPS = 40
ORDERS = ("a", "b")
WEBHOOK, WAREHOUSE = "webhook", "warehouse"
ANSWERS = {
    "delivered": Outcome(Verdict.DELIVERED, response_status=202),
    "failed": Outcome(Verdict.UNAVAILABLE, "answered 500", response_status=500),
    "refused": Outcome(Verdict.REJECTED, "refused", response_status=400),
    "held": Outcome(Verdict.HELD, "no thread was free"),
}
ROUNDS_TO_SETTLE = 60
"""More than the steps of a run can leave to do: each round ends at least one delivery per lane."""


class Killed(BaseException):
    """As if the worker ended at this line."""


class TwoPartners(FakeChannel):
    """A webhook that gets every change, and a warehouse for which several unsent changes are one."""

    def planner(self, tenant, keys):
        return PlanForBoth(tenant)

    def holds_lane(self, kind):
        return False


class PlanForBoth:
    def __init__(self, tenant):
        self.destinations = Destination.objects.filter(tenant=tenant).in_bulk(field_name="pk").values()

    def plan(self, change):
        for destination in self.destinations:
            merges = destination.name == WAREHOUSE
            yield RequiredDelivery(
                destination.pk, "change", payload="{}", supersedes_unsent=merges, reference=str(change.sequence)
            )

    def save(self):
        pass


class HubMachine(InOneTransaction):
    def __init__(self):
        super().__init__()
        slug = uuid.uuid4().hex
        self.tenant = Tenant.objects.create(slug=slug, name=slug, mode="events", event_retry_schedule=[3600])
        self.engine = Engine(self.tenant)
        for name in (WEBHOOK, WAREHOUSE):
            Destination.objects.create(
                tenant=self.tenant, channel="fake", name=name, concurrency=8, retry_schedule=[3600]
            )
        self.accepted = defaultdict(list)
        self.arrived = defaultdict(list)
        """(destination, order) -> positions of deliveries as the partner got them, repeats included."""
        self.under_way = []
        self.highest = defaultdict(int)
        self.failing = False

    @rule(order=st.sampled_from(ORDERS))
    def receive(self, order):
        price = str(1 + len(self.accepted[order]))
        event = self.engine.put(order, price=price)
        self.accepted[order].append(price)
        assert event.sequence == len(self.accepted[order])

    @initialize()
    def a_past(self):
        """Each order was received and applied once; one import is under way."""
        for order in ORDERS:
            self.change(order)
        self.claim_and_send(True)

    @rule()
    def apply(self):
        with self.faults():
            self.engine.drain()

    @rule(order=st.sampled_from(ORDERS))
    def change(self, order):
        self.receive(order)
        self.apply()

    @rule(order=st.sampled_from(ORDERS))
    def bury_an_event(self, order):
        """The shortest way to a dead event: one try and one retry, both in vain."""
        self.receive(order)
        self.failing = True
        for _ in range(2):
            self.time_comes()
            self.apply()
        self.failing = False

    @rule(arrives=st.booleans(), answer=st.sampled_from(("failed", "refused")))
    def bury_deliveries(self, arrives, answer):
        for _ in range(2):
            self.time_comes()
            self.send_all(arrives, answer)

    @rule(order=st.sampled_from(ORDERS))
    def overtake_a_dead_delivery(self, order):
        for answer in ("refused", "delivered"):
            self.change(order)
            self.time_comes()
            self.send_all(True, answer)

    def send_all(self, arrives, answer):
        self.claim_and_send(arrives)
        for sent in list(self.under_way):
            self.under_way.remove(sent)
            self.record(sent, answer)

    @rule(line=st.sampled_from(("_events", "_write_events", "_release")))
    def lose_a_worker_while_it_applies(self, line):
        with pytest.MonkeyPatch.context() as patched, suppress(Killed):
            patched.setattr(Batch, line, die)
            self.engine.drain()

    @rule(arrives=st.booleans())
    def claim_and_send(self, arrives):
        """The partner gets the request now or never; how the call ended, and whether we hear of it, comes later."""
        leased = {
            delivery.lane_id for sent in self.under_way if self.still_leased(sent) for delivery in deliveries(sent)
        }
        for sent in dispatcher.claim_requests(8, most=8):
            sent.began = sent.ended = time.monotonic()
            for delivery in deliveries(sent):
                assert delivery.lane_id not in leased, "two workers send for one lane"
                earlier = Delivery.objects.filter(lane=delivery.lane_id, position__lt=delivery.position)
                assert not earlier.filter(status="pending").exists(), "a successor was sent before its head"
                if arrives:
                    lane = Lane.objects.get(pk=delivery.lane_id)
                    self.arrived[sent.request.destination.name, lane.customer_order_id].append(delivery.position)
            self.under_way.append(sent)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), answer=st.sampled_from(sorted(ANSWERS)))
    def a_call_ends(self, data, answer):
        self.record(self.drawn(data), answer)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def lose_a_worker_while_it_sends(self, data):
        self.drawn(data)

    @rule()
    def time_comes(self):
        """Retries come due and leases run out."""
        for kind in (OrderQueue, Lane):
            kind.objects.filter(tenant=self.tenant, due_at__isnull=False).update(due_at=DatabaseClock().now(-1))

    @precondition(lambda self: self.dead_deliveries().exists())
    @rule(data=st.data(), verb=st.sampled_from(("preview", "retry", "discard", "redeliver")))
    def operate_on_a_dead_delivery(self, data, verb):
        delivery = data.draw(st.sampled_from(list(self.dead_deliveries())))
        with suppress(Busy, SetAside):
            options = {} if verb == "preview" else {"who": "ada"}
            newer = Delivery.objects.filter(
                lane=delivery.lane_id, position__gt=delivery.position, status="delivered"
            ).exists()
            outcome = getattr(redeliveries, verb)(delivery, **options).outcome
            if newer and verb in ("preview", "retry"):
                assert outcome == {"preview": "would_supersede", "retry": "superseded"}[verb]

    @precondition(lambda self: self.delivered().exists())
    @rule(data=st.data())
    def resend_a_delivered_one(self, data):
        with suppress(Busy, SetAside):
            redeliveries.redeliver(data.draw(st.sampled_from(list(self.delivered()))), who="ada")

    @precondition(lambda self: self.dead_events().exists())
    @rule(data=st.data(), verb=st.sampled_from(("preview", "retry")))
    def operate_on_a_dead_event(self, data, verb):
        event = data.draw(st.sampled_from(list(self.dead_events())))
        with suppress(Busy), self.faults():
            getattr(replays, verb)(event, **({} if verb == "preview" else {"who": "ada"}))

    @rule(name=st.sampled_from((WEBHOOK, WAREHOUSE)))
    def a_pause(self, name):
        """A paused destination gets nothing, however much is due; the others get theirs."""
        destination_health.pause(self.destination(name), who="ada", reason="test")
        before = len(self.under_way)
        self.claim_and_send(True)
        assert all(sent.request.destination.name != name for sent in self.under_way[before:])
        destination_health.resume(self.destination(name), who="ada")

    @rule()
    def a_stop(self):
        """Nothing of a stopped tenant moves."""
        self.set_active(False)
        before = len(self.under_way), self.applied()
        self.time_comes()
        self.apply()
        self.claim_and_send(True)
        assert (len(self.under_way), self.applied()) == before
        self.set_active(True)

    @invariant()
    def every_lane_and_queue_with_work_says_when_it_is_due(self):
        for lane in Lane.objects.filter(tenant=self.tenant):
            pending = list(lane.deliveries.filter(status="pending").values_list("position", flat=True))
            assert not pending or lane.due_at is not None, f"lane {lane.key} has work and no due time"
            assert all(position > lane.done_position for position in pending), "a pending delivery counts as done"
        for queue in OrderQueue.objects.filter(tenant=self.tenant):
            pending = list(queue.events.filter(status="pending").values_list("sequence", flat=True))
            assert not pending or queue.due_at is not None, "a queue has work and no due time"
            assert all(sequence > queue.done_sequence for sequence in pending), "a pending event counts as done"

    @invariant()
    def every_row_agrees_with_the_others(self):
        assert broken_invariants(self.tenant.pk) == []

    @invariant()
    def no_order_returns_to_an_older_event(self):
        for order in Order.objects.filter(tenant=self.tenant):
            assert order.applied_sequence >= self.highest[order.customer_order_id]
            self.highest[order.customer_order_id] = order.applied_sequence

    def settle(self):
        self.failing, self.under_way = False, []
        for name in (WEBHOOK, WAREHOUSE):
            destination_health.resume(self.destination(name), who="ada")
        for _ in range(ROUNDS_TO_SETTLE):
            self.time_comes()
            for event in self.dead_events().order_by("sequence"):
                replays.retry(event, who="ada")
            for delivery in self.dead_deliveries().order_by("position"):
                redeliveries.retry(delivery, who="ada")
            self.time_comes()
            self.apply()
            self.send_all(True, "delivered")
            if not self.unsettled():
                break
        self.every_order_and_partner_has_the_newest()

    def every_order_and_partner_has_the_newest(self):
        assert not self.unsettled()
        self.every_row_agrees_with_the_others()
        for order, prices in self.accepted.items():
            stored = Order.objects.get(tenant=self.tenant, customer_order_id=order)
            assert stored.applied_sequence == len(prices)
            for lane in Lane.objects.filter(tenant=self.tenant, customer_order_id=order):
                name = lane.destination.name
                rows = lane.deliveries.order_by("position")
                assert [row.position for row in rows] == list(range(1, lane.last_position + 1))
                assert set(rows.values_list("status", flat=True)) <= {"delivered", "superseded", "discarded"}
                newest = rows.exclude(status="discarded").last()
                if newest is not None and newest == rows.last():
                    assert newest.status == "delivered", (name, order)
                    assert self.arrived[name, order][-1] == newest.position, (name, order)

    def unsettled(self):
        """What still waits: rows without an end, and lanes or queues that are due."""
        lines = [kind.objects.filter(tenant=self.tenant, due_at__isnull=False) for kind in (OrderQueue, Lane)]
        rows = [
            kind.objects.filter(tenant=self.tenant, status__in=("pending", "dead")) for kind in (OrderEvent, Delivery)
        ]
        return [row for query in (*lines, *rows) for row in query]

    def record(self, sent, answer):
        sent.outcomes = [ANSWERS[answer]] * len(deliveries(sent))
        if answer in ("delivered", "refused") and self.still_leased(sent):
            self.note_arrival(sent)
        before = None if self.holds(sent) else self.outbox_rows()
        record_finished([sent])
        assert before is None or self.outbox_rows() == before, "a worker that lost its lease recorded something"

    def note_arrival(self, sent):
        """A partner that answered has the request."""
        for delivery in deliveries(sent):
            lane = Lane.objects.get(pk=delivery.lane_id)
            got = self.arrived[sent.request.destination.name, lane.customer_order_id]
            if not got or got[-1] != delivery.position:
                got.append(delivery.position)

    def still_leased(self, sent):
        lanes = [delivery.lane_id for delivery in deliveries(sent)]
        return Lane.objects.filter(pk__in=lanes, lease=sent.lease, due_at__gt=DatabaseClock().now()).exists()

    def applied(self):
        return sum(Order.objects.filter(tenant=self.tenant).values_list("applied_sequence", flat=True))

    def set_active(self, active):
        self.tenant.active = active
        self.tenant.save(update_fields=["active"])

    def holds(self, sent):
        return Lane.objects.filter(pk__in=[one.lane_id for one in deliveries(sent)], lease=sent.lease).exists()

    def outbox_rows(self):
        return [list(kind.objects.filter(tenant=self.tenant).order_by("pk").values()) for kind in (Lane, Delivery)]

    def drawn(self, data):
        sent = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(sent)
        return sent

    def dead_deliveries(self):
        return Delivery.objects.filter(tenant=self.tenant, status="dead").select_related("destination")

    def delivered(self):
        return Delivery.objects.filter(tenant=self.tenant, status="delivered").select_related("destination")

    def dead_events(self):
        return OrderEvent.objects.filter(tenant=self.tenant, status="dead")

    def destination(self, name):
        return Destination.objects.get(tenant=self.tenant, name=name)

    def faults(self):
        failing = self.failing

        def inject(events):
            if failing and list(events):
                raise InjectedFault("applying fails")

        patched = pytest.MonkeyPatch()
        patched.setattr(batch, "inject", inject)
        patched.setattr(batch.settings, "HUB_FAULT_INJECTION", True)
        return _Undone(patched)


class _Undone:
    def __init__(self, patched):
        self.patched = patched

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.patched.undo()


def deliveries(sent):
    return sent.request.deliveries


def die(*arguments, **options):
    raise Killed


def test_whatever_happens_every_partner_ends_with_the_newest(db, fake_channel, monkeypatch, settings):
    monkeypatch.setattr(FakePartner, "channels", lambda self: {"fake": TwoPartners()})
    channels.cache_clear()
    settings.HUB_BREAKER_FAILURES = 0
    monkeypatch.setattr(applying, "LEASE_SECONDS", 3600.0)
    monkeypatch.setattr(FakeChannel, "lease_seconds", 3600.0)
    monkeypatch.setattr(operations, "BUSY_SECONDS", 0.0)
    run_machine(HubMachine, examples=EXAMPLES // 2, steps=STEPS)
