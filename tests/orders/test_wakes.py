"""Wakes: coalesced, never waited for, never fatal. Losing one costs a sweep interval and nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.db import connection
from kombu.exceptions import OperationalError

from orders import tasks
from orders.models import OrderEvent, OrderQueue
from orders.queueing import wake_ups

pytestmark = pytest.mark.both
WAKE = wake_ups._Waker.wake
"""As it is outside of tests, where it is taken away (tests.engine_fixtures)."""
PATIENCE_SECONDS = 10


class Broker:
    """What would be sent, and how it goes wrong."""

    def __init__(self):
        self.sent = []
        self.trouble = []
        self.came = threading.Semaphore(0)

    def send_task(self, name, **options):
        assert options["retry"] is False
        self.came.release()
        if self.trouble:
            raise self.trouble.pop(0)
        self.sent.append(name)


@pytest.fixture
def broker(monkeypatch):
    broker = Broker()
    monkeypatch.setattr(wake_ups, "current_app", broker)
    return broker


@pytest.fixture
def wake(broker):
    waker = wake_ups._Waker("inbound")
    return lambda: WAKE(waker)


def test_a_flood_of_wakes_is_one_per_window_and_the_last_is_not_swallowed(broker, wake):
    until = time.monotonic() + 0.3
    count = 0
    while time.monotonic() < until:
        wake()
        count += 1
    assert broker.came.acquire(timeout=PATIENCE_SECONDS)
    time.sleep(5 * wake_ups.WINDOW_SECONDS)
    assert count > 100
    assert 2 <= len(broker.sent) <= 0.3 / wake_ups.WINDOW_SECONDS + 5
    before = len(broker.sent)
    wake()
    time.sleep(10 * wake_ups.WINDOW_SECONDS)
    assert len(broker.sent) == before + 1


def test_a_broker_that_does_not_answer_keeps_nobody_waiting(broker, wake, monkeypatch):
    stuck = threading.Event()
    monkeypatch.setattr(broker, "send_task", lambda *_, **__: stuck.wait(PATIENCE_SECONDS))
    began = time.monotonic()
    for _ in range(1000):
        wake()
    assert time.monotonic() - began < 1
    stuck.set()
    time.sleep(5 * wake_ups.WINDOW_SECONDS)


@pytest.mark.parametrize(
    "trouble", [OperationalError("away"), OSError("away"), redis.exceptions.ResponseError("OOM"), RuntimeError("?")]
)
def test_whatever_the_broker_answers_the_next_wake_is_published(broker, wake, trouble):
    broker.trouble.append(trouble)
    wake()
    assert broker.came.acquire(timeout=PATIENCE_SECONDS)
    time.sleep(2 * wake_ups.WINDOW_SECONDS)
    wake()
    assert broker.came.acquire(timeout=PATIENCE_SECONDS)
    time.sleep(wake_ups.WINDOW_SECONDS)
    assert broker.sent == ["orders.tasks.drain"]


@pytest.fixture(autouse=True)
def _connections_stay(monkeypatch):
    """Within a test's transaction the connection must not be closed."""
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)


@pytest.mark.django_db
def test_a_lost_wake_costs_a_sweep_and_nothing_else(broker, engine):
    event = engine.put()
    assert broker.sent == []
    tasks.wake_what_is_due()
    assert broker.sent == ["orders.tasks.drain"]
    tasks.drain()
    assert OrderEvent.objects.get(pk=event.pk).status == "applied"
    tasks.wake_what_is_due()
    assert broker.sent == ["orders.tasks.drain"]


@pytest.mark.django_db
def test_a_sweep_finds_a_retry_when_it_is_due_and_not_before(broker, engine, faults):
    engine.put("fault-1-x")
    tasks.drain()
    tasks.wake_what_is_due()
    assert broker.sent == []
    engine.due_now()
    tasks.wake_what_is_due()
    assert broker.sent == ["orders.tasks.drain"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs_postgres
def test_two_schedulers_at_once_wake_twice_and_apply_once(broker, engine):
    events = [engine.put(str(number)) for number in range(5)]
    at_once = threading.Barrier(2)

    def scheduled():
        try:
            at_once.wait(PATIENCE_SECONDS)
            tasks.wake_what_is_due()
            at_once.wait(PATIENCE_SECONDS)
            tasks.drain()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as schedulers:
        for future in [schedulers.submit(scheduled) for _ in range(2)]:
            future.result()
    assert broker.sent == ["orders.tasks.drain"] * 2
    rows = OrderEvent.objects.filter(pk__in=[event.pk for event in events])
    assert set(rows.values_list("status", "attempts")) == {("applied", 1)}
    assert not OrderQueue.objects.filter(due_at__isnull=False).exists()
