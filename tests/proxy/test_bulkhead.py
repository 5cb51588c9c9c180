"""A hanging external service holds only a part of a process's threads; a quick one is never refused for being busy."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest

from orders.values.problems import ExternalBusy
from proxy import bulkhead

THREADS = 16


@pytest.fixture(autouse=True)
def _numbers(settings, monkeypatch):
    settings.HUB_WEB_THREADS = THREADS
    monkeypatch.setattr(bulkhead, "HANGS_SECONDS", 0.3)
    bulkhead.forget()
    yield
    assert not any(calls.began for calls in bulkhead._tenants.values())
    bulkhead.forget()


@contextmanager
def calls_under_way(number, tenant_id=7):
    """So many calls that do not end, each on a thread of its own."""
    over, entered = threading.Event(), threading.Semaphore(0)

    def hold():
        bulkhead.enter(tenant_id)
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


def admitted(tenant_id=7):
    """Whether a call that ends at once is let in."""
    try:
        bulkhead.enter(tenant_id)
    except ExternalBusy:
        return False
    bulkhead.leave(tenant_id)
    return True


def test_who_is_refused_gets_the_time_to_come_back():
    with calls_under_way(THREADS // 2):
        time.sleep(0.35)
        with pytest.raises(ExternalBusy) as refused:
            bulkhead.enter(7)
    assert refused.value.headers == {"Retry-After": "1"}


def test_half_of_the_threads_hanging_refuses_more_of_the_same_tenant_only():
    with calls_under_way(THREADS // 2):
        assert admitted()
        time.sleep(0.35)
        assert not admitted()
        assert admitted(8)


def test_two_threads_are_not_one_tenants_when_its_calls_do_not_end():
    with calls_under_way(14):
        began = time.monotonic()
        assert not admitted()
        assert time.monotonic() - began < 0.45
        assert admitted(8)


def test_a_call_beyond_waits_where_calls_end_quickly():
    assert admitted()
    with calls_under_way(14) as over:
        threading.Timer(0.1, over.set).start()
        assert admitted()


def test_a_call_beyond_is_refused_at_once_where_calls_are_slow():
    with calls_under_way(1):
        time.sleep(0.27)
    with calls_under_way(14):
        began = time.monotonic()
        assert not admitted()
        assert time.monotonic() - began < 0.1


def test_a_service_that_hung_gets_half_until_a_call_ends_sooner():
    with calls_under_way(1):
        time.sleep(0.35)
    with calls_under_way(THREADS // 2):
        assert not admitted()
    assert admitted()
    with calls_under_way(THREADS // 2):
        assert admitted()


def test_several_hanging_tenants_do_not_share_out_all_threads():
    with calls_under_way(7, 1), calls_under_way(6, 2), calls_under_way(1, 3):
        time.sleep(0.35)
        assert [admitted(tenant) for tenant in (1, 2, 3)] == [False, False, False]
        assert admitted(8)


def test_one_thread_is_still_a_hub(settings):
    settings.HUB_WEB_THREADS = 1
    assert admitted()
