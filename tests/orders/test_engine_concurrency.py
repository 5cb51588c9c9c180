"""Two at once, with real connections. A lock timeout makes an error of a wait that must not be; pauses make moments."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_events
from orders.dead_letters.operations import NotDead
from orders.inbox import applying
from orders.inbox.batch import Batch
from orders.inbox.conditions import Conditions, stored_etag
from orders.inbox.reception import accept
from orders.models import OrderEvent, OrderQueue
from orders.queueing.claims import QUEUES, claim
from orders.values.order_key import OrderKey
from orders.values.problems import PreconditionFailed
from tests.bodies import body

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 30
LOCK_TIMEOUT = "100ms"
"""What a PUT of an order that is being applied may wait at most."""


@pytest.fixture
def elsewhere():
    """``elsewhere(function, …)`` runs it in a thread with a connection of its own and returns a future."""

    if "mode=memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("SQLite in memory has no second connection worth the name: make test uses a file")

    def own_connection(function, arguments):
        try:
            return function(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        yield lambda function, *arguments: threads.submit(own_connection, function, arguments)


def not_waiting(function):
    """The function, failing where it would wait for a lock."""

    def run(*arguments):
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        return function(*arguments)

    return run


class Pause:
    """Holds whoever comes by until it is let go."""

    def __init__(self):
        self._reached, self._over = threading.Event(), threading.Event()

    def wait_here(self):
        self._reached.set()
        assert self._over.wait(PATIENCE_SECONDS)

    @contextmanager
    def held(self):
        """Inside, somebody is held."""
        assert self._reached.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            self._over.set()


@pytest.fixture
def pause_before_release(monkeypatch):
    """The first worker to come to the end of its batch has written everything and not released."""
    pause, release, first = Pause(), Batch._release, threading.Lock()

    def paused(self, *arguments, **options):
        if first.acquire(blocking=False):
            pause.wait_here()
        return release(self, *arguments, **options)

    monkeypatch.setattr(Batch, "_release", paused)
    return pause


@pytest.mark.both
def test_simultaneous_puts_of_one_order_take_turns_without_gaps(engine, elsewhere):
    puts = [elsewhere(engine.put, "1001") for _ in range(20)]
    assert sorted(put.result().sequence for put in puts) == list(range(1, 21))
    assert engine.queue().last_sequence == 20


@pytest.mark.needs_postgres
def test_two_puts_of_one_order_wait_for_each_other(engine, elsewhere):
    with transaction.atomic():
        engine.put("1001")
        with pytest.raises(OperationalError, match="lock timeout"):
            elsewhere(not_waiting(engine.put), "1001").result()


@pytest.mark.needs_postgres
def test_puts_of_different_orders_never_wait_for_each_other(engine, elsewhere):
    with transaction.atomic():
        engine.put("1001")
        assert elsewhere(not_waiting(engine.put), "1002").result().sequence == 1
    with transaction.atomic():
        engine.put("1001")
        assert elsewhere(not_waiting(engine.put), "1002").result().sequence == 2


@pytest.mark.needs_postgres
def test_a_put_does_not_wait_for_the_worker_that_applies_its_order(engine, elsewhere, pause_before_release):
    engine.put("1001")
    worker = elsewhere(applying.drain)
    with pause_before_release.held():
        assert elsewhere(not_waiting(engine.put), "1001").result().sequence == 2
    worker.result()
    assert engine.statuses() == ["applied", "pending"]
    engine.drain()
    assert engine.statuses() == ["applied", "applied"]


@pytest.mark.needs_postgres
def test_two_workers_claim_different_orders_and_neither_waits(engine, elsewhere):
    for number in range(6):
        engine.put(str(number))

    def claimed(most):
        return set(claim(QUEUES, {engine.tenant.pk: most}, lease_seconds=60)[1])

    with transaction.atomic():
        mine = claimed(3)
        others = elsewhere(not_waiting(claimed), 6).result()
    assert (len(mine), len(others), mine & others) == (3, 3, set())


@pytest.mark.both
def test_many_workers_apply_every_event_once_and_in_sequence(engine, elsewhere, monkeypatch):
    monkeypatch.setattr(applying, "_batch_size", lambda: 3)
    applied, write, lock = [], Batch._write_events, threading.Lock()

    def noted(self):
        write(self)
        with lock:
            applied.extend(pk for pk, _, _ in self._applied)

    monkeypatch.setattr(Batch, "_write_events", noted)
    events = [engine.put(str(number)).pk for _ in range(3) for number in range(8)]
    for worker in [elsewhere(engine.drain) for _ in range(4)]:
        worker.result()
    assert Counter(applied) == Counter(events)
    for queue in OrderQueue.objects.all():
        in_sequence = list(queue.events.order_by("sequence").values_list("pk", flat=True))
        assert [pk for pk in applied if pk in in_sequence] == in_sequence


@pytest.mark.needs_postgres
def test_a_worker_that_outlived_its_lease_cannot_apply_what_another_applied(engine, elsewhere, pause_before_release):
    event = engine.put("1001")
    slow = elsewhere(applying.drain)
    with pause_before_release.held():
        OrderQueue.objects.update(due_at=DatabaseClock().now(-1))
        quick = elsewhere(applying.drain)
        time.sleep(0.2)  # it waits for the order's row, which the slow one has written
    slow.result()
    quick.result()
    engine.drain_through_retries()
    row = OrderEvent.objects.get(pk=event.pk)
    assert (row.status, row.attempts, row.changed) == ("applied", 1, True)
    assert engine.order().applied_sequence == 1


@pytest.fixture
def dead(engine, settings, faults):
    """The first event of order fault-1-x, dead; whatever is put after it can be applied."""
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    event = engine.put("fault-1-x")
    engine.drain()
    assert engine.statuses("fault-1-x") == ["dead"]
    settings.HUB_FAULT_INJECTION = False
    return event


@pytest.mark.needs_postgres
@pytest.mark.parametrize(("verb", "fate"), [("retry", "superseded"), ("discard", "discarded")])
def test_an_operator_waits_for_the_worker_and_judges_by_what_it_did(
    engine, elsewhere, dead, pause_before_release, verb, fate
):
    newer = engine.put("fault-1-x", status="FULFILLED")
    worker = elsewhere(applying.drain)
    with pause_before_release.held():
        operator = elsewhere(lambda: getattr(dead_events, verb)(dead, who="ada"))
        time.sleep(0.2)
        assert not operator.done()
    worker.result()
    assert operator.result().outcome == fate
    engine.drain()
    assert engine.statuses("fault-1-x") == [fate, "applied"]
    assert engine.order("fault-1-x").applied_sequence == newer.sequence == 2


@pytest.mark.needs_postgres
def test_two_operators_retry_one_event_once(engine, elsewhere, dead):
    def retried():
        try:
            return dead_events.retry(dead, who="ada").outcome
        except NotDead as refused:
            return str(refused).rpartition(" ")[2]

    outcomes = [elsewhere(retried) for _ in range(6)]
    assert Counter(outcome.result() for outcome in outcomes) == {"pending": 6}
    engine.drain()
    assert engine.statuses("fault-1-x") == ["applied"]
    from orders.models import OperatorAction

    assert OperatorAction.objects.filter(action="retry").count() == 1


@pytest.mark.both
def test_retries_while_workers_run_and_senders_send_end_in_sequence(engine, elsewhere, dead):
    """Whoever wins: either the retried event is applied before the newer ones, or it is superseded."""
    puts = [elsewhere(engine.put, "fault-1-x") for _ in range(10)]
    operator = elsewhere(lambda: dead_events.retry(dead, who="ada").outcome)
    workers = [elsewhere(engine.drain) for _ in range(2)]
    for future in (*puts, operator, *workers):
        future.result()
    engine.drain()
    first, *others = engine.statuses("fault-1-x")
    assert first in ("applied", "superseded")
    assert others == ["applied"] * 10
    assert engine.order("fault-1-x").applied_sequence == 11


def put_under(key, conditions):
    try:
        return accept(key, payload=body(), client_id=None, correlation_id="c", conditions=conditions).sequence
    except PreconditionFailed:
        return None


@pytest.mark.parametrize("condition", ["If-Match", "If-None-Match"])
def test_of_many_puts_under_one_condition_one_is_accepted(make_tenant, apply_all, elsewhere, condition):
    """Seen to fail with the queue row's lock taken away, and with the look at the sequence taken away."""
    key = OrderKey(make_tenant().pk, "store-1", "1001")
    conditions = Conditions(is_first=True)
    before = 0
    if condition == "If-Match":
        before = accept(key, payload=body(), client_id=None, correlation_id="c").sequence
        apply_all()
        conditions = Conditions(matches=frozenset([stored_etag(key)]))
    together = threading.Barrier(8, timeout=PATIENCE_SECONDS)

    def one():
        connection.ensure_connection()
        together.wait()
        return put_under(key, conditions)

    found = [put.result(PATIENCE_SECONDS) for put in [elsewhere(one) for _ in range(8)]]
    assert Counter(found) == {None: 7, before + 1: 1}
    assert OrderEvent.objects.count() == before + 1
