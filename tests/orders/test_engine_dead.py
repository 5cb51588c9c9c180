"""Dead events in a person's hands: preview, retry, discard, and staleness (docs/design/inbox.md#dead-events).

The same file runs on PostgreSQL and SQLite.
"""

from datetime import timedelta

import pytest
from django.db import transaction

from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_events, operations
from orders.dead_letters.operations import Busy, NotDead
from orders.inbox.batch import Batch, LeaseLost
from orders.inbox.event_status import event_statuses
from orders.models import OperatorAction, Order, OrderEvent, OrderQueue
from orders.queueing.claims import QUEUES, claim

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def fate(event):
    return event_statuses([OrderEvent.objects.select_related("queue").get(pk=event.pk)])[0]


def kill_first(engine, settings, order="fault-1-x"):
    """A dead first event of the order, and the schedule back to normal."""
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    dead = engine.put(order, status="CREATED")
    engine.drain()
    assert fate(dead)["status"] == "dead"
    settings.HUB_EVENT_RETRY_SCHEDULE = [100.0, 500.0]
    return dead


def test_a_dead_event_retried_by_hand_is_applied_when_nothing_newer_was(engine, faults, settings):
    dead = kill_first(engine, settings)
    assert dead_events.preview(dead).outcome == "would_apply"
    assert fate(dead)["status"] == "dead"
    result = dead_events.retry(dead, who="ada", reason="mended")
    assert (result.outcome, result.superseded_by) == ("pending", None)
    engine.drain()
    assert (fate(dead)["status"], fate(dead)["attempts"]) == ("applied", 2)
    assert engine.order("fault-1-x").applied_sequence == 1
    action = OperatorAction.objects.get()
    assert (action.who, action.action, action.reason, action.outcome) == ("ada", "retry", "mended", "pending")


def test_a_stale_dead_event_retried_by_hand_is_ignored_and_said_to_be(engine, faults, settings):
    dead = kill_first(engine, settings)
    newer = engine.put("fault-1-x", status="FULFILLED")
    engine.drain_through_retries()
    document = engine.order("fault-1-x").document
    assert dead_events.preview(dead).outcome == "would_supersede"
    result = dead_events.retry(dead, who="ada")
    assert (result.outcome, result.superseded_by) == ("superseded", newer.pk)
    engine.drain()
    assert engine.order("fault-1-x").document == document
    assert engine.order("fault-1-x").applied_sequence == 2
    assert (fate(dead)["status"], fate(dead)["supersededBy"]) == ("superseded", str(newer.pk))


def test_retrying_a_dead_event_gives_it_a_fresh_schedule(engine, faults, settings):
    dead = kill_first(engine, settings, "fault-3-x")
    dead_events.retry(dead, who="ada")
    engine.drain()
    assert (fate(dead)["status"], fate(dead)["attempts"]) == ("pending", 2)
    engine.drain_through_retries()
    assert (fate(dead)["status"], fate(dead)["attempts"]) == ("applied", 4)


def test_events_put_behind_a_retried_one_wait_for_it(engine, faults, settings):
    dead = kill_first(engine, settings, "fault-3-x")
    dead_events.retry(dead, who="ada")
    engine.drain()
    later = engine.put("fault-3-x", status="FULFILLED")
    engine.drain()
    assert fate(later)["waitingBehind"] == str(dead.pk)
    settings.HUB_EVENT_RETRY_SCHEDULE = [100.0] * 5
    engine.drain_through_retries()
    assert engine.statuses("fault-3-x") == ["applied", "applied"]
    assert engine.order("fault-3-x").status == "FULFILLED"


def test_a_preview_of_what_still_fails_reports_it_and_changes_nothing(engine, faults, settings):
    dead = kill_first(engine, settings, "fault-always-x")
    rows = list(OrderQueue.objects.values()), list(OrderEvent.objects.values())
    result = dead_events.preview(dead)
    assert (result.outcome, "fault injection" in result.detail) == ("would_fail", True)
    assert (list(OrderQueue.objects.values()), list(OrderEvent.objects.values())) == rows


def test_a_discarded_event_is_never_applied(engine, faults, settings):
    dead = kill_first(engine, settings)
    OrderEvent.objects.update(finished_at=DatabaseClock().now() - timedelta(days=2))
    assert dead_events.discard(dead, who="ada", reason="test order").outcome == "discarded"
    dead.refresh_from_db()
    assert dead.finished_at > DatabaseClock().now() - timedelta(minutes=5)
    engine.drain()
    assert engine.statuses("fault-1-x") == ["discarded"]
    assert not Order.objects.exists()
    with pytest.raises(NotDead):
        dead_events.retry(dead, who="ada")


def test_a_retry_by_hand_hurries_the_event_that_waits_behind_it_too(engine, faults, settings):
    """What a person mended often mends that one as well; the try counts as any other of its schedule."""
    dead, waiting = kill_first(engine, settings), engine.put("fault-1-x", status="FULFILLED")
    engine.drain()
    assert (fate(waiting)["status"], fate(waiting)["attempts"]) == ("pending", 1)
    dead_events.retry(dead, who="ada")
    engine.drain()
    assert engine.statuses("fault-1-x") == ["applied", "applied"]
    assert (fate(waiting)["attempts"], engine.order("fault-1-x").status) == (2, "FULFILLED")


def test_only_dead_events_can_be_operated(engine):
    event = engine.put()
    for operate in (
        dead_events.preview,
        lambda e: dead_events.retry(e, who="a"),
        lambda e: dead_events.discard(e, who="a"),
    ):
        with pytest.raises(NotDead, match="pending"):
            operate(event)
    assert engine.statuses() == ["pending"]


def test_an_operator_waits_for_the_worker_that_holds_the_order(engine, faults, settings, monkeypatch):
    dead = kill_first(engine, settings)
    monkeypatch.setattr(operations, "BUSY_SECONDS", 0.05)
    engine.put("fault-1-x")
    claim(QUEUES, {engine.tenant.pk: 10}, lease_seconds=60)
    with pytest.raises(Busy):
        dead_events.retry(dead, who="ada")
    assert engine.statuses("fault-1-x") == ["dead", "pending"]


def test_an_event_overtaken_while_it_waited_is_superseded_when_its_turn_comes(engine):
    """Whatever brought it there, such as rows put back by hand: an order never goes back."""
    older, newer = engine.put(status="CREATED"), engine.put(status="FULFILLED")
    engine.drain()
    OrderEvent.objects.filter(pk=older.pk).update(status="pending", finished_at=None)
    OrderQueue.objects.update(done_sequence=0, due_at=DatabaseClock().now())
    engine.put(status="FULFILLED")
    engine.drain()
    assert (fate(older)["status"], fate(older)["supersededBy"]) == ("superseded", str(newer.pk))
    assert (engine.order().status, engine.order().applied_sequence) == ("FULFILLED", 3)
    assert engine.statuses() == ["superseded", "applied", "applied"]


def test_an_order_that_was_applied_further_meanwhile_is_not_written_back(engine, monkeypatch):
    """The last guard, in the statement itself, should two workers ever hold one order."""
    engine.put(status="CREATED")
    engine.drain()
    engine.put(status="CANCELLED")
    fold = Batch._fold

    def late(self, events, orders):
        Order.objects.update(applied_sequence=7)
        return fold(self, events, orders)

    monkeypatch.setattr(Batch, "_fold", late)
    lease, ids = claim(QUEUES, {engine.tenant.pk: 10}, lease_seconds=60)
    with pytest.raises(LeaseLost, match="applied further"), transaction.atomic():
        Batch(lease, list(OrderQueue.objects.filter(pk__in=ids))).apply()
    assert engine.order().status == "CREATED"
