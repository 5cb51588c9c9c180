"""Each row that is stuck or contradicts another is named, and no other."""

import uuid

import pytest
from django.db import connection

from config.doctor import work
from config.doctor.findings import Verdict
from orders.database.clock import DatabaseClock
from orders.models import Delivery, Lane, OrderEvent, OrderQueue
from orders.monitoring.invariants import Broken, broken_invariants
from orders.outbox import dispatcher
from tests.orders.fake_channel import add_pending

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def two(engine, beans):
    """An event that is pending, a lane with a delivered and a pending delivery."""
    add_pending(beans, "a1")
    dispatcher.deliver()
    add_pending(beans, "a2")
    engine.put()
    assert broken_invariants() == []
    return [Delivery.objects.get(reference=name) for name in ("a1", "a2")]


def named(*rows):
    return [Broken(rule, row) for rule, row in rows]


def test_a_pending_delivery_in_a_lane_that_is_closed_is_named(two):
    Lane.objects.update(due_at=None, done_position=2)
    row = f"delivery {two[1].pk}"
    assert broken_invariants() == named(
        ("a pending delivery's lane is due or held", row),
        ("a pending delivery lies beyond its lane's done position", row),
    )
    assert [one.verdict for one in work.invariants()] == [Verdict.WRONG, Verdict.WRONG]


def test_a_pending_delivery_without_a_lane_is_named(two):
    Delivery.objects.filter(pk=two[1].pk).update(lane=two[1].lane_id + 1)
    assert broken_invariants() == named(("a pending delivery has a lane", f"delivery {two[1].pk}"))


def test_a_pending_delivery_that_was_overtaken_is_named(two):
    Delivery.objects.filter(pk=two[1].pk).update(position=0)
    Lane.objects.update(done_position=-1)
    assert broken_invariants() == named(("a pending delivery was not overtaken", f"delivery {two[1].pk}"))


def test_a_delivery_superseded_by_an_earlier_one_is_named(two):
    Delivery.objects.filter(pk=two[1].pk).update(
        status="superseded", superseded_by=two[0].pk, finished_at=DatabaseClock().now()
    )
    rule = "a superseded delivery gave way to a later one of its lane"
    assert broken_invariants() == named((rule, f"delivery {two[1].pk}"))


def test_a_lane_held_by_no_dead_delivery_is_named(two):
    Lane.objects.update(held_by=uuid.uuid4())
    lane = Lane.objects.get()
    rule = "a lane is held by a dead delivery of its own and not leased"
    assert broken_invariants() == named((rule, f"lane {lane.pk}"))


def test_a_pending_event_that_its_queue_has_passed_is_named(two):
    OrderQueue.objects.update(done_sequence=1, due_at=None)
    rule = "a pending event lies beyond its queue's done sequence"
    assert broken_invariants() == named((rule, f"event {OrderEvent.objects.get().pk}"))


@pytest.mark.needs_postgres
@pytest.mark.parametrize(("model", "index"), [(Delivery, "delivery_pending"), (OrderEvent, "order_event_pending")])
def test_what_is_pending_is_found_without_what_is_finished(db, model, index):
    pending = model.objects.filter(status="pending").order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    assert index in pending.explain()


def test_another_tenants_rows_are_not_named(two):
    Lane.objects.update(held_by=uuid.uuid4())
    assert broken_invariants(two[0].tenant_id + 1) == []
