"""A slow external service is waited for, a hanging one holds only a part of a process's threads."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest

from orders.outgoing import Deadline
from orders.values.problems import ExternalBusy
from proxy import bulkhead

THREADS = 16
MOST, TOGETHER, OF_A_HANGING = 12, 14, 4


@pytest.fixture(autouse=True)
def _numbers(settings, monkeypatch):
    settings.HUB_WEB_THREADS = THREADS
    monkeypatch.setattr(bulkhead, "HANGS_SECONDS", 0.3)
    bulkhead.forget()
    yield
    assert not any(calls.threads for calls in bulkhead._tenants.values())
    bulkhead.forget()


@contextmanager
def calls_under_way(number, tenant_id=7):
    """So many calls that do not end, each on a thread of its own."""
    over, entered = threading.Event(), threading.Semaphore(0)

    def hold():
        bulkhead.enter(tenant_id, Deadline.after(10))
        entered.release()
        over.wait(10)
        bulkhead.leave(tenant_id)

    threads = [threading.Thread(target=hold) for _ in range(number)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert entered.acquire(timeout=5)
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()


def admitted(tenant_id=7, *, seconds=0.1):
    """Whether a call that ends at once, and may take so long, is let in."""
    try:
        bulkhead.enter(tenant_id, Deadline.after(seconds))
    except ExternalBusy:
        return False
    bulkhead.leave(tenant_id)
    return True


def test_a_refusal_says_when_to_come_back():
    with calls_under_way(OF_A_HANGING):
        time.sleep(0.35)
        with pytest.raises(ExternalBusy) as refused:
            bulkhead.enter(7, Deadline.after(1))
    assert refused.value.headers == {"Retry-After": "1"}


def test_a_hanging_service_gets_a_quarter_of_the_threads_and_others_what_they_need():
    with calls_under_way(OF_A_HANGING):
        assert admitted()
        time.sleep(0.35)
        assert not admitted()
        assert admitted(8)


def test_a_slow_service_is_not_a_hanging_one_while_its_calls_end():
    with calls_under_way(OF_A_HANGING):
        for _ in range(4):
            time.sleep(0.1)
            assert admitted()


def test_a_service_that_hung_is_called_again_when_a_call_has_ended():
    with calls_under_way(1) as first, calls_under_way(OF_A_HANGING):
        time.sleep(0.35)
        assert not admitted()
        first.set()
        time.sleep(0.05)
        assert admitted()


def test_a_call_beyond_the_bound_waits_for_one_to_end():
    with calls_under_way(MOST) as over:
        threading.Timer(0.1, over.set).start()
        assert admitted(seconds=5)


def test_a_call_beyond_the_bound_waits_no_longer_than_it_may_take():
    with calls_under_way(MOST):
        began = time.monotonic()
        assert not admitted(seconds=0.15)
        assert 0.1 < time.monotonic() - began < 1
        assert admitted(8)


def test_a_call_that_waits_is_refused_when_the_service_turns_out_to_hang():
    with calls_under_way(MOST):
        began = time.monotonic()
        assert not admitted(seconds=0.5)
        assert time.monotonic() - began < 1
        assert not admitted(seconds=5)
        assert time.monotonic() - began < 1


def test_the_calls_of_all_tenants_leave_threads_for_what_is_no_proxied_read():
    with calls_under_way(MOST, 1), calls_under_way(TOGETHER - MOST, 2):
        assert [admitted(tenant) for tenant in (1, 2, 8)] == [False, False, False]
    assert admitted(8)


def test_one_thread_is_still_a_hub(settings):
    settings.HUB_WEB_THREADS = 1
    assert admitted()
