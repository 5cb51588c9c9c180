"""An external service that is down is left alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from orders.cache import shared_cache
from orders.values.problems import (
    ExternalBusy,
    ExternalContract,
    ExternalTimeout,
    ExternalUnavailable,
    Problem,
    UnknownOrder,
)
from proxy import breaker
from proxy.sources import ProxiedOrders
from tests.proxy.conftest import ORDER


@pytest.fixture(autouse=True)
def _numbers(settings):
    settings.HUB_BREAKER_FAILURES = 3
    settings.HUB_BREAKER_OPEN_SECONDS = 15


def end_of_read(tenant) -> type[Problem] | None:
    try:
        ProxiedOrders().get(tenant, "store-1", "1001")
    except Problem as problem:
        return type(problem)
    return None


def wait_named(tenant) -> str:
    with pytest.raises(ExternalBusy) as busy:
        ProxiedOrders().get(tenant, "store-1", "1001")
    return busy.value.headers["Retry-After"]


def test_consecutive_failures_open_it_and_no_call_goes_out(tenant, basic, oms):
    oms.fail(status=503, times=None)
    assert [end_of_read(tenant) for _ in range(4)] == [*[ExternalUnavailable] * 3, ExternalBusy]
    assert wait_named(tenant) in ("14", "15")
    assert (len(oms.received), breaker.state(tenant.pk)) == (3, "open")


def test_a_success_between_counts_from_zero(tenant, basic, oms):
    oms.add_order("store-1", ORDER)
    for _ in range(3):
        oms.fail(status=500, times=2)
        assert [end_of_read(tenant) for _ in range(3)] == [ExternalUnavailable, ExternalUnavailable, None]
    assert breaker.state(tenant.pk) == "closed"


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ({"status": 404}, UnknownOrder), ({"status": 401}, ExternalUnavailable), ({"status": 429}, ExternalBusy),
        ({"malformed": True}, ExternalContract), ({"missing": "status"}, ExternalContract),
    ],
)  # fmt: skip
def test_what_is_no_trouble_of_the_services_is_not_counted(tenant, basic, oms, fault, end):
    oms.add_order("store-1", ORDER)
    oms.fail(times=None, **fault)
    assert [end_of_read(tenant) for _ in range(5)] == [end] * 5
    assert len(oms.received) == 5


def test_timeouts_and_cuts_are_counted(tenant, basic, oms):
    tenant.proxy_timeout_seconds = 0.1
    oms.fail(delay=0.3, times=1)
    assert end_of_read(tenant) is ExternalTimeout
    oms.fail(drop=True, times=None)
    assert [end_of_read(tenant) for _ in range(3)] == [ExternalUnavailable, ExternalUnavailable, ExternalBusy]


def test_half_open_lets_one_probe_pass_and_its_success_closes(tenant, basic, oms, time_machine):
    time_machine.move_to(1_800_000_000, tick=False)
    oms.add_order("store-1", ORDER)
    oms.fail(status=503, times=3)
    for _ in range(3):
        end_of_read(tenant)
    time_machine.shift(16)
    with ThreadPoolExecutor(5) as pool:
        states = [pool.submit(_admitted, tenant.pk) for _ in range(5)]
        assert sorted(one.result() for one in states) == [False] * 4 + [True]
    breaker.succeeded(tenant.pk)
    assert (breaker.state(tenant.pk), end_of_read(tenant)) == ("closed", None)


def _admitted(tenant_id: int) -> bool:
    try:
        breaker.admit(tenant_id)
    except ExternalBusy:
        return False
    return True


def test_a_failed_probe_opens_it_twice_as_long_up_to_300(tenant, basic, oms, time_machine):
    time_machine.move_to(1_800_000_000, tick=False)
    oms.fail(status=503, times=None)
    for _ in range(3):
        end_of_read(tenant)
    waits = [wait_named(tenant)]
    for _ in range(6):
        time_machine.shift(int(waits[-1]) + 1)
        assert breaker.state(tenant.pk) == "half-open"
        assert end_of_read(tenant) is ExternalUnavailable
        waits.append(wait_named(tenant))
    assert waits == ["15", "30", "60", "120", "240", "300", "300"]


def test_a_probe_that_tells_nothing_leaves_the_next_to_another(tenant, basic, oms, time_machine, settings):
    time_machine.move_to(1_800_000_000, tick=False)
    oms.fail(status=503, times=3)
    for _ in range(3):
        end_of_read(tenant)
    time_machine.shift(16)
    settings.HUB_OUTBOUND_ALLOW_HTTP = False
    assert [end_of_read(tenant) for _ in range(2)] == [ExternalUnavailable] * 2
    assert breaker.state(tenant.pk) == "half-open"


def test_all_processes_open_together(tenant, basic, oms):
    """Another process is a view of its own and the same cache."""
    oms.fail(status=503, times=None)
    for _ in range(3):
        end_of_read(tenant)
        breaker.forget()
    assert end_of_read(tenant) is ExternalBusy
    assert len(oms.received) == 3


def test_it_works_alone_while_the_cache_is_away(tenant, basic, oms, monkeypatch):
    def away(*args, **kwargs):
        raise OSError("away")

    for name in ("get_many", "add", "incr", "set", "delete_many"):
        monkeypatch.setattr(shared_cache._cache(), name, away)
    monkeypatch.setattr(shared_cache._Away, "until", 0.0)
    oms.fail(status=503, times=None)
    assert [end_of_read(tenant) for _ in range(4)] == [*[ExternalUnavailable] * 3, ExternalBusy]


def test_zero_is_never(tenant, basic, oms, settings):
    settings.HUB_BREAKER_FAILURES = 0
    oms.fail(status=503, times=None)
    assert [end_of_read(tenant) for _ in range(12)] == [ExternalUnavailable] * 12


def test_one_tenants_breaker_is_not_anothers(tenant, basic, oms):
    for _ in range(3):
        breaker.failed(tenant.pk)
    assert (_admitted(tenant.pk), _admitted(tenant.pk + 1)) == (False, True)
