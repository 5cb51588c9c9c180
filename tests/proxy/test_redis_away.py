"""A Redis that is away costs a proxied read at most 100 ms, and then nothing for a while; tokens are still fetched."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager

import pytest

from orders.cache import shared_cache
from proxy import breaker
from proxy.sources import ProxiedOrders
from tests.proxy.conftest import ORDER

pytestmark = pytest.mark.django_db

AT_MOST_SECONDS = 0.1


@contextmanager
def gone():
    """Nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield port


@contextmanager
def silent():
    """A Redis that is stopped: the connection is made, no answer comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]


@contextmanager
def unreachable():
    """Nobody takes the connection: packets are lost, as where the machine is gone."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture(params=[gone, silent, unreachable], ids=["gone", "silent", "unreachable"])
def without_redis(request, settings, monkeypatch):
    """The settings of the cache at an address where no Redis answers; nothing warm, nothing known of it."""
    with request.param() as port:
        location = f"redis://127.0.0.1:{port}/0"
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location}}
        shared_cache._caches.cache_clear()
        monkeypatch.setattr(shared_cache._Away, "until", 0.0)
        yield
    shared_cache._caches.cache_clear()


def seconds(tenant):
    breaker.forget()
    began = time.perf_counter()
    assert ProxiedOrders().get(tenant, "store-1", "1001").body
    return time.perf_counter() - began


def seconds_of_the_first(tenant):
    """Of a read by a process that has not met the absence of Redis yet."""
    shared_cache._caches.cache_clear()
    shared_cache._Away.until = 0.0
    return seconds(tenant)


@pytest.mark.parametrize("kind", ["basic", "oauth2"])
def test_redis_away_costs_a_read_at_most_100_ms_once(request, tenant, oms, without_redis, kind, monkeypatch):
    request.getfixturevalue(kind)
    oms.add_order("store-1", ORDER)
    monkeypatch.setattr(shared_cache._Away, "until", time.monotonic() + 60)
    seconds(tenant)
    normal = min(seconds(tenant) for _ in range(5))
    assert min(seconds_of_the_first(tenant) for _ in range(3)) - normal < AT_MOST_SECONDS
    assert shared_cache.is_away()
    assert min(seconds(tenant) for _ in range(3)) < normal + 0.02


def test_one_thread_tries_again_while_the_others_go_on_without(monkeypatch):
    monkeypatch.setattr(shared_cache._Away, "until", time.monotonic() - 1)
    assert [shared_cache._may_try() for _ in range(3)] == [True, False, False]


def test_a_cache_that_answers_again_is_used_again(monkeypatch):
    monkeypatch.setattr(shared_cache._Away, "until", time.monotonic() - 1)
    shared_cache.put("k", 1, seconds=5)
    assert (shared_cache.get("k"), shared_cache._Away.until) == (1, 0.0)
