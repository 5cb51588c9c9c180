"""The laws of the inbox (docs/design/inbox.md). The same file runs on PostgreSQL and SQLite."""

import json
import uuid

import pytest
from django.db import IntegrityError, OperationalError, transaction

from orders.database.clock import DatabaseClock
from orders.inbox import applying
from orders.inbox.batch import Batch
from orders.inbox.event_status import event_statuses
from orders.models import Order, OrderEvent, OrderQueue
from orders.queueing.claims import LOSSES_THAT_COUNT, QUEUES, claim, expire_leases

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def fate(event):
    return event_statuses([OrderEvent.objects.select_related("queue").get(pk=event.pk)])[0]


def test_an_accepted_event_is_applied_and_becomes_the_order(engine):
    event = engine.put(price="19.90")
    engine.drain()
    order = engine.order()
    assert json.loads(order.document)["items"] == [{"itemId": "BEAN-1", "quantityOrdered": 2, "unitPrice": 19.9}]
    assert '"unitPrice":19.90' in order.document
    assert (order.status, order.customer_id, order.applied_sequence) == ("CREATED", "c-77", 1)
    assert order.item_ids == ["BEAN-1"]
    told = fate(event)
    assert (told["status"], told["changed"], told["attempts"], told["sequence"]) == ("applied", True, 1, 1)
    assert told["finishedAt"] is not None
    assert told["nextAttemptAt"] is None
    queue = engine.queue()
    assert (queue.due_at, queue.lease, queue.done_sequence, queue.last_sequence) == (None, None, 1, 1)


def test_sequences_are_given_without_gaps_per_order(engine):
    sequences = [engine.put(order).sequence for order in ("a", "b", "a", "a", "b")]
    assert sequences == [1, 1, 2, 3, 2]


def test_events_of_one_order_are_applied_in_sequence(engine):
    for status in ("CREATED", "IN_PROGRESS", "FULFILLED"):
        engine.put(status=status)
    engine.drain()
    assert engine.order().status == "FULFILLED"
    assert engine.order().applied_sequence == 3
    assert engine.statuses() == ["applied"] * 3


def test_an_identical_repeat_is_an_event_that_changed_nothing(engine):
    engine.put()
    engine.drain()
    before = engine.order().updated_at
    again = engine.put()
    engine.drain()
    assert (fate(again)["status"], fate(again)["changed"]) == ("applied", False)
    assert engine.order().updated_at == before
    assert engine.order().applied_sequence == 2


def test_a_different_digit_is_a_change(engine):
    engine.put(price="19.9")
    again = engine.put(price="19.90")
    engine.drain()
    assert fate(again)["changed"] is True


def test_the_tenants_status_words_are_translated_when_applied_and_the_payload_kept(engine):
    engine.tenant.status_map = {"NEW": "CREATED"}
    engine.tenant.save()
    event = engine.put(status="NEW")
    engine.drain()
    assert engine.order().status == "CREATED"
    assert '"status": "NEW"' in OrderEvent.objects.get(pk=event.pk).payload


def test_a_failing_event_holds_its_successors_and_nobody_else(engine, faults):
    failing = engine.put("fault-2-x")
    waiting = engine.put("fault-2-x", status="IN_PROGRESS")
    other = engine.put("fine")
    engine.drain()
    assert fate(other)["status"] == "applied"
    told = fate(failing)
    assert (told["status"], told["attempts"], told["waitingBehind"]) == ("pending", 1, None)
    assert "fault injection" in told["error"]
    assert told["nextAttemptAt"] is not None
    behind = fate(waiting)
    assert (behind["status"], behind["attempts"], behind["waitingBehind"]) == ("pending", 0, str(failing.pk))
    assert behind["nextAttemptAt"] is None
    assert not Order.objects.filter(customer_order_id="fault-2-x").exists()


def test_a_retry_comes_after_the_schedules_step_and_not_before(engine, faults, settings):
    settings.HUB_EVENT_RETRY_SCHEDULE = [100.0, 200.0]
    engine.put("fault-2-x")
    for step in (100, 200):
        before = DatabaseClock().now()
        engine.drain()
        due = engine.queue("fault-2-x").due_at
        assert step - 1 <= (due - before).total_seconds() <= step + 5
        assert applying.drain() == 0
        engine.due_now()
    engine.drain()
    assert engine.statuses("fault-2-x") == ["applied"]


def test_a_tenants_own_schedule_goes_before_the_environments(engine, faults, settings):
    engine.tenant.event_retry_schedule = [7]
    engine.tenant.save()
    event = engine.put("fault-always-x")
    engine.drain()
    assert fate(event)["status"] == "pending"
    engine.due_now()
    engine.drain()
    assert (fate(event)["status"], fate(event)["attempts"]) == ("dead", 2)


def test_after_the_last_retry_the_event_is_dead_and_its_successors_go_on(engine, faults, settings):
    settings.HUB_EVENT_RETRY_SCHEDULE = [100.0, 500.0]
    dead = engine.put("fault-3-x", status="CREATED")
    successor = engine.put("fault-3-x", status="FULFILLED")
    for _ in range(3):
        engine.drain()
        engine.due_now()
    assert (fate(dead)["status"], fate(dead)["attempts"]) == ("dead", 3)
    assert fate(dead)["finishedAt"] is not None
    assert fate(successor)["waitingBehind"] is None
    settings.HUB_EVENT_RETRY_SCHEDULE = [100.0] * 5
    engine.drain_through_retries()
    assert engine.statuses("fault-3-x") == ["dead", "applied"]
    assert engine.order("fault-3-x").status == "FULFILLED"


def leased(engine, order="1001", seconds=60.0):
    lease, ids = claim(QUEUES, {engine.tenant.pk: 10}, lease_seconds=seconds)
    return lease, list(OrderQueue.objects.filter(pk__in=ids))


def test_a_claimed_queue_is_not_claimed_again_before_its_lease_ends(engine):
    engine.put()
    _, queues = leased(engine)
    assert len(queues) == 1
    assert applying.drain() == 0
    OrderQueue.objects.update(due_at=DatabaseClock().now(-1))
    assert applying.drain() == 1
    assert engine.statuses() == ["applied"]


def test_a_worker_that_outlived_its_lease_records_nothing(engine):
    event = engine.put(status="CREATED")
    lease, queues = leased(engine)
    OrderQueue.objects.update(lease=uuid.uuid4())
    applying._apply_together(lease, queues)
    assert fate(event)["status"] == "pending"
    assert not Order.objects.exists()


def test_a_worker_that_outlived_its_lease_judges_nothing_either(engine, faults):
    """Another may have applied the event by now; its failure here must not count."""
    event = engine.put("fault-always-1")
    lease, (queue,) = leased(engine)
    another = uuid.uuid4()
    OrderQueue.objects.update(lease=another)
    applying._apply_alone(lease, queue)
    assert (fate(event)["status"], fate(event)["attempts"]) == ("pending", 0)
    assert engine.queue("fault-always-1").lease == another


def test_what_is_received_while_a_batch_is_applied_stays_due(engine):
    engine.put()
    lease, queues = leased(engine)
    late = engine.put(status="FULFILLED")
    OrderEvent.objects.filter(pk=late.pk).update(received_at=DatabaseClock().now())
    queues[0].last_sequence = 1
    with transaction.atomic():
        batch = Batch(lease, queues, events_most=1)
        batch.apply()
    queue = engine.queue()
    assert (queue.done_sequence, queue.lease, queue.due_at is None) == (1, None, False)
    engine.drain()
    assert engine.statuses() == ["applied", "applied"]


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_no_attempt(engine, monkeypatch):
    event = engine.put()

    def away(self):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(Batch, "apply", away)
    with pytest.raises(OperationalError):
        applying.drain()
    monkeypatch.undo()
    assert (fate(event)["status"], fate(event)["attempts"]) == ("pending", 0)
    engine.due_now()
    engine.drain()
    assert (fate(event)["status"], fate(event)["attempts"]) == ("applied", 1)


def lose_worker(engine):
    claim(QUEUES, {engine.tenant.pk: 100}, lease_seconds=0)
    OrderQueue.objects.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_given_back_once_the_database_answers_again(engine, monkeypatch):
    event = engine.put()
    answers = iter([OperationalError("starting up"), OperationalError("starting up")])
    give_back = applying.give_back

    def away_at_first(*arguments, **options):
        error = next(answers, None)
        if error:
            raise error
        give_back(*arguments, **options)

    def cut(self):
        raise OperationalError("terminating connection")

    monkeypatch.setattr(applying, "GIVE_BACK_SECONDS", 0)
    monkeypatch.setattr(applying, "give_back", away_at_first)
    with monkeypatch.context() as patched:
        patched.setattr(Batch, "apply", cut)
        with pytest.raises(OperationalError, match="terminating"):
            applying.drain()
    assert engine.queue().lease is None
    engine.due_now()
    engine.drain()
    assert (fate(event)["status"], fate(event)["attempts"], engine.queue().losses) == ("applied", 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_while_a_suspect_is_tried_counts_no_loss(engine, monkeypatch):
    event = engine.put()
    lose_worker(engine)

    def cut(self):
        raise OperationalError("terminating connection")

    with monkeypatch.context() as patched:
        patched.setattr(Batch, "apply", cut)
        for _ in range(LOSSES_THAT_COUNT + 1):
            engine.due_now()
            with pytest.raises(OperationalError, match="terminating"):
                applying.drain()
            assert (engine.queue().lease, engine.queue().losses) == (None, 1)
    engine.due_now()
    engine.drain()
    assert (fate(event)["status"], fate(event)["attempts"], engine.queue().losses) == ("applied", 1, 0)


class Killed(BaseException):
    """As if the process ended at this line."""


def lose_workers_applying(engine, monkeypatch, times):
    """Workers that die while they apply, with all their leases run out afterwards."""

    def die(self):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Batch, "apply", die)
        for _ in range(times):
            with pytest.raises(Killed):
                applying.drain()
            OrderQueue.objects.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))


def test_a_lost_worker_is_no_attempt_but_three_are(engine, settings, monkeypatch):
    settings.HUB_EVENT_RETRY_SCHEDULE = [1.0]
    event = engine.put()
    lose_workers_applying(engine, monkeypatch, 3)
    assert fate(event)["attempts"] == 0
    applying.drain()
    assert (fate(event)["status"], fate(event)["attempts"]) == ("pending", 1)
    assert "lost three times" in fate(event)["error"]
    engine.drain_through_retries()
    assert (fate(event)["status"], fate(event)["attempts"]) == ("applied", 2)


def test_two_lost_workers_are_no_attempt(engine, monkeypatch):
    event = engine.put()
    lose_workers_applying(engine, monkeypatch, 2)
    engine.drain()
    assert (fate(event)["status"], fate(event)["attempts"]) == ("applied", 1)
    assert engine.queue().losses == 0


def test_a_worker_lost_before_it_began_counts_for_no_event(engine):
    events = [engine.put(str(number)) for number in range(3)]
    for _ in range(5):
        lose_worker(engine)
    engine.drain_through_retries()
    assert [(fate(event)["status"], fate(event)["attempts"]) for event in events] == [("applied", 1)] * 3


def test_an_order_of_a_lost_batch_is_applied_in_one_go_and_event_by_event_when_that_fails(engine, faults, monkeypatch):
    whole, broken = [engine.put("whole") for _ in range(5)], [engine.put("fault-1-x") for _ in range(3)]
    lose_worker(engine)
    batches, apply = [], Batch.apply

    def counted(self):
        batches.append(self._queues[0].customer_order_id)
        return apply(self)

    monkeypatch.setattr(Batch, "apply", counted)
    engine.drain()
    assert (batches.count("whole"), batches.count("fault-1-x")) == (1, 2)
    assert [fate(event)["attempts"] for event in (*whole, *broken)] == [1] * 5 + [1, 0, 0]


def test_an_event_that_kills_its_workers_is_found_and_its_neighbours_are_not_blamed(engine, monkeypatch):
    neighbours, culprit = [engine.put(str(number)) for number in range(4)], engine.put("culprit")
    engine.put("culprit", status="FULFILLED")
    apply = Batch.apply

    def die_of_culprit(self):
        if any(queue.customer_order_id == "culprit" for queue in self._queues):
            raise Killed
        return apply(self)

    monkeypatch.setattr(Batch, "apply", die_of_culprit)
    engine.tenant.event_retry_schedule = [0]
    engine.tenant.save()
    deaths = 0
    while "dead" not in engine.statuses("culprit"):
        try:
            applying.drain()
        except Killed:
            deaths += 1
            OrderQueue.objects.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))
    assert deaths == 6
    assert [(fate(event)["status"], fate(event)["attempts"]) for event in neighbours] == [("applied", 1)] * 4
    assert (fate(culprit)["status"], fate(culprit)["attempts"]) == ("dead", 2)


def test_an_innocent_order_of_a_lost_batch_is_applied_without_an_attempt(engine):
    events = [engine.put(str(number)) for number in range(5)]
    for _ in range(2):
        lose_worker(engine)
    engine.drain_through_retries()
    assert [fate(event)["status"] for event in events] == ["applied"] * 5
    assert [fate(event)["attempts"] for event in events] == [1] * 5


def test_a_lost_batch_is_applied_in_few_claims_and_each_order_alone(engine, monkeypatch):
    monkeypatch.setattr(applying, "COSTLY_MOST", 4)
    for number in range(10):
        engine.put(str(number))
    lose_worker(engine)
    sizes, apply = [], Batch.apply

    def counted(self):
        sizes.append(len(self._queues))
        return apply(self)

    monkeypatch.setattr(Batch, "apply", counted)
    left = []
    while applying.drain():
        left.append(OrderQueue.objects.filter(due_at__isnull=False).count())
    assert (left, sizes) == ([6, 2, 0], [1] * 10)


def test_an_order_that_cost_a_worker_alone_comes_after_the_rest_of_the_lost_batch(engine):
    suspect = engine.put("suspect")
    engine.put("innocent")
    lose_worker(engine)
    OrderQueue.objects.filter(pk=suspect.queue_id).update(losses=2)
    applying.drain()
    assert (engine.statuses("suspect"), engine.statuses("innocent")) == (["pending"], ["applied"])
    applying.drain()
    assert engine.statuses("suspect") == ["applied"]


def test_tenants_take_turns_however_much_one_has_waiting(engine, other_engine, monkeypatch):
    monkeypatch.setattr(applying, "_batch_size", lambda: 10)
    for number in range(40):
        engine.put(f"backfill-{number}")
    live = other_engine.put("live")
    assert applying.drain() == 6, "half a batch of the one, all that the other has"
    assert fate(live)["status"] == "applied"


def test_a_stopped_tenants_events_are_held_and_go_on_when_it_is_active_again(engine):
    event = engine.put()
    engine.tenant.active = False
    engine.tenant.save()
    assert applying.drain() == 0
    assert (fate(event)["status"], fate(event)["attempts"]) == ("pending", 0)
    engine.tenant.active = True
    engine.tenant.save()
    engine.drain()
    assert fate(event)["status"] == "applied"


def test_a_stored_body_that_is_no_longer_valid_dies_with_its_pointer(engine, settings):
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    event = engine.put()
    OrderEvent.objects.filter(pk=event.pk).update(payload='{"customerOrder": {"customerOrderId": "1001"}}')
    engine.drain()
    assert fate(event)["status"] == "dead"
    assert "/customerOrder" in fate(event)["error"]


def test_the_database_refuses_a_queue_with_work_that_is_not_due(engine):
    engine.put()
    with pytest.raises(IntegrityError, match="order_queue_with_work_is_due"), transaction.atomic():
        OrderQueue.objects.update(due_at=None)


def test_the_database_refuses_a_finished_event_without_a_finish_time(engine):
    engine.put()
    with pytest.raises(IntegrityError, match="order_event_finished_has_a_finish_time"), transaction.atomic():
        OrderEvent.objects.update(status="applied")


def test_expired_leases_are_due_at_once_and_still_count_the_loss(engine):
    event = engine.put()
    leased(engine)
    expire_leases(QUEUES)
    queue = engine.queue()
    assert queue.lease is not None
    engine.drain()
    assert fate(event)["status"] == "applied"


def test_a_plain_apply_passes_neither_fault_injection_nor_the_notification_rule(engine, settings, monkeypatch):
    settings.HUB_FAULT_INJECTION = False
    for name in ("inject", "is_known_before", "not_notified_because"):
        monkeypatch.setattr(f"orders.inbox.batch.{name}", lambda *given, **named: 1 / 0)
    engine.put()
    engine.drain()
    assert engine.statuses() == ["applied"]
