"""The sampled sweep compares stored orders that nobody reads, at the tenant's rate, and leaves a bad service alone."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections

from orders.cutover import sampling
from orders.cutover.sampling import Sampling, compare_some
from orders.database.clock import DatabaseClock
from orders.inbox.reception import accept
from orders.models import ComparisonSweep, Tenant
from orders.tasks import periodic_work
from orders.values.order_key import OrderKey
from orders.values.problems import ExternalBusy, ExternalContract, ExternalUnavailable
from tests.bodies import body
from tests.engine_fixtures import Engine

pytestmark = [pytest.mark.django_db, pytest.mark.both]


class System:
    """The tenants' own systems: notes what it is asked, raises what it is told to."""

    def __init__(self):
        self.asked, self.answers = [], []

    def compare(self, tenant, business_unit_id, customer_order_id):
        self.asked.append(customer_order_id)
        if self.answers and (problem := self.answers.pop(0)):
            raise problem


@pytest.fixture
def system(monkeypatch):
    system = System()
    monkeypatch.setattr(sampling, "own_system", lambda: system)
    return system


@pytest.fixture
def tenant(make_tenant):
    return make_tenant("acme", "migrating")


@pytest.fixture
def five(tenant):
    shop = Engine(tenant)
    for order_id in "cadbe":
        shop.put(order_id)
    shop.drain()
    return shop


def due_now():
    ComparisonSweep.objects.update(due_at=DatabaseClock().now(-1))


def sweep():
    return ComparisonSweep.objects.get()


def test_stored_orders_are_compared_one_after_the_other_and_again(tenant, five, system):
    for _ in range(7):
        due_now()
        Sampling().run()
    assert system.asked == ["a", "b", "c", "d", "e", "a", "b"]
    assert (sweep().rounds, sweep().compared) == (1, 7)


def test_a_tenant_has_its_rate_however_often_the_sweep_asks(tenant, five, system):
    tenant.compared_per_minute = 30
    tenant.save()
    for _ in range(20):
        Sampling().run()
    assert system.asked == ["a"]
    left = sweep().due_at - DatabaseClock().now()
    assert timedelta(seconds=1) < left <= timedelta(seconds=2)
    assert not Sampling().due()


def test_a_high_rate_takes_several_at_a_time(tenant, five, system):
    Tenant.objects.update(compared_per_minute=180)
    Sampling().run()
    assert system.asked == ["a", "b", "c"]
    due_now()
    Sampling().run()
    assert system.asked == ["a", "b", "c", "d", "e", "a"]
    assert sweep().due_at - DatabaseClock().now() <= timedelta(seconds=1)


@pytest.mark.parametrize(
    "left_out", [{"mode": "proxy"}, {"mode": "events"}, {"active": False}, {"compared_per_minute": 0}], ids=str
)
def test_nothing_is_swept_but_for_an_active_tenant_that_migrates_and_allows_it(tenant, five, system, left_out):
    assert Sampling().due()
    Tenant.objects.update(**left_out)
    Sampling().run()
    assert (Sampling().due(), system.asked) == (False, [])


def test_a_rate_is_bounded(tenant):
    tenant.compared_per_minute = 601
    with pytest.raises(ValidationError, match="less than or equal to 600"):
        tenant.full_clean()


def test_only_the_tenants_own_orders_are_swept(tenant, five, system, make_tenant):
    bolt = make_tenant("bolt", "migrating")
    assert compare_some(bolt) == 0
    assert system.asked == []


def test_the_sweep_goes_on_from_business_unit_to_business_unit(tenant, system):
    for unit, order_id in (("s2", "x"), ("s1", "z"), ("s1", "y")):
        accept(OrderKey(tenant.pk, unit, order_id), payload=body(order_id), client_id=None, correlation_id="c")
    Engine(tenant).drain()
    for _ in range(4):
        due_now()
        Sampling().run()
    assert system.asked == ["y", "z", "x", "y"]


# --- a service that cannot be used


@pytest.mark.parametrize(
    ("problem", "seconds"),
    [
        (ExternalBusy("Its breaker is open.", headers={"Retry-After": "120"}), 120),
        (ExternalBusy("Asks to wait.", headers={"Retry-After": "3"}), 60),
        (ExternalUnavailable("It is down."), 60),
    ],
    ids=["open", "busy", "down"],
)
def test_the_sweep_leaves_a_service_alone_that_cannot_be_used_and_goes_on_where_it_was(
    tenant, five, system, problem, seconds
):
    Tenant.objects.update(compared_per_minute=180)
    system.answers = [None, problem]
    Sampling().run()
    assert system.asked == ["a", "b"]
    left = sweep().due_at - DatabaseClock().now()
    assert timedelta(seconds=seconds - 2) < left <= timedelta(seconds=seconds)
    assert (sweep().paused_because, sweep().compared) == (problem.detail, 1)
    due_now()
    Sampling().run()
    assert system.asked == ["a", "b", "b", "c", "d"]
    assert (sweep().paused_because, sweep().compared) == ("", 4)


def test_an_answer_that_breaks_the_contract_does_not_hold_the_sweep(tenant, five, system):
    system.answers = [ExternalContract("no JSON")]
    for _ in range(2):
        due_now()
        Sampling().run()
    assert (system.asked, sweep().paused_because) == (["a", "b"], "")


def test_a_slow_service_ends_the_turn_and_what_is_left_comes_next(tenant, five, system, monkeypatch):
    monkeypatch.setattr(sampling, "TURN_SECONDS", 0.0)
    Tenant.objects.update(compared_per_minute=180)
    for _ in range(2):
        due_now()
        Sampling().run()
    assert system.asked == ["a", "b"]
    assert sweep().compared == 2


def test_no_transaction_is_open_while_the_own_system_is_asked(tenant, five, monkeypatch):
    depth = len(connection.savepoint_ids)

    class Looking:
        def compare(self, *place):
            assert len(connection.savepoint_ids) == depth

    monkeypatch.setattr(sampling, "own_system", Looking)
    assert compare_some(tenant) == 1


def test_the_sweep_is_periodic_work_of_the_hub():
    assert any(isinstance(one, Sampling) for one in periodic_work())


@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_do_not_double_the_rate(tenant, five, system):
    Tenant.objects.update(compared_per_minute=120)
    barrier, took = threading.Barrier(4), []

    def schedule():
        try:
            barrier.wait()
            for _ in range(5):
                took.append(compare_some(Tenant.objects.get(pk=tenant.pk)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=schedule) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Counter(took), system.asked) == (Counter({0: 19, 2: 1}), ["a", "b"])
