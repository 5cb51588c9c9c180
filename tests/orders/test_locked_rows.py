"""Rows that another transaction holds: they hold up nobody else, lose nothing, and a deadlock is tried again."""

import threading
import time
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connections, transaction

from orders.cutover import switch
from orders.dead_letters import dead_events
from orders.dead_letters.operations import Busy
from orders.inbox import applying
from orders.models import Delivery, Destination, Order, OrderEvent, OrderQueue, Tenant
from orders.outbox import outcomes

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held(rows):
    """Another session has locked the rows."""
    locked, go = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                list(rows.select_for_update())
                locked.set()
                go.wait(30)
        finally:
            connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    assert locked.wait(10)
    try:
        yield
    finally:
        go.set()
        other.join()


def due_now():
    OrderQueue.objects.filter(due_at__isnull=False).update(due_at="2020-01-01T00:00:00Z")


def test_a_locked_order_goes_back_alone_and_is_applied_once_it_is_free(engine, other_engine):
    engine.put("a")
    engine.drain()
    locked_event = engine.put("a", status="X")
    other_engine.put("b")
    engine.put("c")
    with held(Order.objects.filter(customer_order_id="a")):
        assert applying.drain() == 3
        found = set(Order.objects.values_list("customer_order_id", "applied_sequence"))
        assert found == {("a", 1), ("b", 1), ("c", 1)}
        queue = OrderQueue.objects.get(customer_order_id="a")
        assert (queue.lease, queue.losses, queue.due_at is None) == (None, 0, False)
    due_now()
    engine.drain()
    locked_event.refresh_from_db()
    assert (locked_event.status, locked_event.attempts) == (OrderEvent.Status.APPLIED, 1)


@pytest.mark.needs_postgres
def test_a_locked_tenant_costs_the_orders_of_others_no_wait_and_its_own_no_attempt(moving, other_engine):
    events = [moving.put(f"m{number}") for number in range(20)]
    other_engine.put("b")
    with held(Tenant.objects.filter(pk=moving.tenant.pk)):
        began = time.monotonic()
        assert applying.drain() == 21
        assert time.monotonic() - began < 5
        assert other_engine.order("b").applied_sequence == 1
        waiting = OrderQueue.objects.filter(tenant=moving.tenant, due_at__isnull=False)
        assert list(waiting.values_list("lease", "losses")) == [(None, 0)] * 20
    due_now()
    moving.drain()
    fates = OrderEvent.objects.filter(pk__in=[event.pk for event in events]).values_list("status", "attempts")
    assert list(fates) == [("applied", 1)] * 20


@pytest.mark.needs_postgres
def test_an_order_of_a_locked_tenant_that_failed_before_goes_back_uncounted(moving, settings):
    settings.HUB_EVENT_RETRY_SCHEDULE = [0.0]
    event = moving.put("m")
    OrderEvent.objects.filter(pk=event.pk).update(attempts=1)
    with held(Tenant.objects.filter(pk=moving.tenant.pk)):
        assert applying.drain() == 1
    event.refresh_from_db()
    assert (event.status, event.attempts, moving.queue("m").lease) == ("pending", 1, None)


def test_many_locked_orders_use_up_no_lease_and_those_left_untried_come_first(engine, monkeypatch):
    monkeypatch.setattr(applying, "ALONE_SECONDS", 0.0)
    for status in ("NEW", "X"):
        engine.drain()
        for name in ("a", "b", "c"):
            engine.put(name, status=status)
    with held(Order.objects.filter(customer_order_id__in=["a", "b"])):
        assert applying.drain() == 3
        first, *_ = OrderQueue.objects.order_by("due_at").values_list("customer_order_id", flat=True)
        assert first == "b"
        assert set(OrderQueue.objects.values_list("lease", "losses")) == {(None, 0)}
        while applying.drain():
            pass
        assert engine.order("c").applied_sequence == 2


@pytest.mark.needs_postgres
def test_a_preview_says_that_the_tenant_is_being_changed(moving):
    event = moving.put("m")
    OrderEvent.objects.filter(pk=event.pk).update(status="dead", finished_at=event.received_at)
    OrderQueue.objects.update(done_sequence=1, due_at=None)
    with held(Tenant.objects.filter(pk=moving.tenant.pk)), pytest.raises(Busy, match="being changed"):
        dead_events.preview(event)


def test_an_order_received_while_the_cut_over_commits_is_judged_by_its_outcome(moving, monkeypatch):
    at_the_end, go, record = threading.Event(), threading.Event(), switch._record

    def slowly(*args, **named):
        at_the_end.set()
        go.wait(30)
        return record(*args, **named)

    monkeypatch.setattr(switch, "_record", slowly)

    def press():
        try:
            switch.cut_over(moving.tenant, who="ann", reason="the day")
        finally:
            connections.close_all()

    person = threading.Thread(target=press)
    person.start()
    assert at_the_end.wait(10)
    event = moving.put("new")
    assert applying.drain() == 1
    go.set()
    person.join()
    assert not Order.objects.filter(customer_order_id="new").exists()
    due_now()
    moving.drain()
    assert event.received_at > Tenant.objects.get(pk=moving.tenant.pk).tells_from
    assert not moving.order("new").known_before


def test_a_recording_that_ends_a_deadlock_is_tried_again_from_the_same_values(monkeypatch):
    delivery, seen = Delivery(attempts=2, error="before"), []

    def write(tried, **options):
        seen.append((delivery.attempts, delivery.error))
        delivery.attempts, delivery.error = 3, "after"
        if len(seen) == 1:
            raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected()

    monkeypatch.setattr(outcomes, "_record", write)
    outcomes.record([outcomes.CompletedAttempt(delivery, Destination(), None, None, None, None, 1.0)])
    assert seen == [(2, "before"), (2, "before")]
    assert (delivery.attempts, delivery.error) == (3, "after")
