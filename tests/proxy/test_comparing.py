"""Proxied reads of a migrating tenant are compared with the stored copies, and no reader notices."""

import pytest

from orders.cutover import ledger, sampling
from orders.cutover.comparison import answers, judging
from orders.cutover.comparison.answers import _Answers
from orders.documents import SearchCriteria
from orders.inbox.sources import own_system, source_for
from orders.integrations.sources import Search
from orders.models import ComparisonHour, ComparisonSweep, Difference, Figure, Tenant, TimelineEntry
from orders.telemetry import counters
from orders.values.problems import ExternalUnavailable, UnknownOrder
from proxy.sources import ProxiedOrders
from tests.engine_fixtures import Engine

pytestmark = [pytest.mark.django_db, pytest.mark.both]

THERE = {
    "customerOrderId": "1001",
    "customerId": "c-77",
    "status": "NEW",
    "items": [{"itemId": "BEAN-1", "quantityOrdered": 2, "unitPrice": 19.9}],
}
"""As the own system has what the engine's tests put, with its own word for the status; the price has fewer digits."""


@pytest.fixture(autouse=True)
def held(monkeypatch):
    monkeypatch.setattr(answers, "_answers", _Answers())
    monkeypatch.setattr(_Answers, "write_until_empty", lambda self: None)
    monkeypatch.setattr(ledger._Collector, "write_until_empty", lambda self: None)
    monkeypatch.setattr(judging, "JUDGED_AFTER_SECONDS", 0.0)
    return answers._answers


@pytest.fixture
def migrating(tenant, basic):
    Tenant.objects.filter(pk=tenant.pk).update(mode="migrating")
    tenant.refresh_from_db()
    return tenant


@pytest.fixture
def stored(migrating, oms):
    """Order 1001, here and there; ``put`` it again as in the engine's tests."""
    shop = Engine(migrating)
    shop.put("1001", price="19.9")
    shop.drain()
    oms.add_order("store-1", THERE)
    return shop


def get(tenant, order_id="1001"):
    return source_for(tenant).get(tenant, "store-1", order_id)


def hours():
    answers.write()
    return {row.way: (row.matched, row.stale, row.wrong) for row in ComparisonHour.objects.all()}


def differences():
    return list(Difference.objects.order_by("member").values_list("member", "kind"))


def test_a_read_is_compared_as_its_reader_sees_it_with_the_status_in_the_hubs_words(migrating, stored):
    assert b'"CREATED"' in get(migrating).body
    assert (hours(), differences()) == ({"read": (1, 0, 0)}, [])


def test_a_read_that_differs_names_the_place(migrating, stored, oms):
    oms.add_order("store-1", {**THERE, "status": "SENT", "items": [{**THERE["items"][0], "unitPrice": 20}]})
    get(migrating)
    assert (hours(), differences()) == ({"read": (0, 0, 1)}, [("/items/*/unitPrice", "value"), ("/status", "value")])


def test_an_order_that_is_stored_and_not_found_there_is_missing_there(migrating, stored, oms):
    Engine(migrating).put("only-here")
    stored.drain()
    with pytest.raises(UnknownOrder):
        get(migrating, "only-here")
    assert (hours(), differences()) == ({"read": (0, 0, 1)}, [("", "missing there")])


def test_a_search_is_compared_beyond_the_page_its_reader_sees(migrating, stored, oms):
    stored.put("1000", status="PACKED")
    stored.drain()
    oms.add_order("store-1", {**THERE, "customerOrderId": "1000"})
    criteria = SearchCriteria()
    page = ProxiedOrders().search(migrating, "store-1", Search(criteria, b"{}", skip=0, take=1))
    assert len(page.orders) == 1
    assert (hours(), differences()) == ({"search": (1, 0, 1)}, [("/status", "value")])


def test_a_reader_gets_the_same_answer_when_comparing_is_broken(migrating, stored, monkeypatch, held):
    before = get(migrating).body
    monkeypatch.setattr(held, "add", lambda *given, **named: 1 / 0)
    assert get(migrating).body == before
    wanted = Search(SearchCriteria(), b"{}", skip=0, take=50)
    assert len(ProxiedOrders().search(migrating, "store-1", wanted).orders) == 1


def test_a_failed_read_compares_nothing(migrating, stored, oms):
    oms.fail(status=500)
    with pytest.raises(ExternalUnavailable):
        get(migrating)
    assert hours() == {}


def test_in_proxy_mode_nothing_is_compared(migrating, stored):
    migrating.mode = "proxy"
    get(migrating)
    assert hours() == {}


def test_a_plain_read_passes_neither_the_ledger_nor_the_comparison(migrating, stored, monkeypatch):
    migrating.mode = "proxy"
    for name in ("ledger.saw", "answers.saw_order", "answers.saw_found"):
        monkeypatch.setattr(f"proxy.migrating.{name}", lambda *given, **named: 1 / 0)
    get(migrating)
    wanted = Search(SearchCriteria(), b"{}", skip=0, take=1)
    assert len(ProxiedOrders().search(migrating, "store-1", wanted).orders) == 1


def test_the_sweep_asks_the_own_system_and_is_no_readers_read(migrating, stored, monkeypatch):
    counted = []
    monkeypatch.setattr(counters, "read", lambda *given, **named: counted.append(given))
    sampling.Sampling().run()
    assert hours() == {"sweep": (1, 0, 0)}
    assert (counted, list(TimelineEntry.objects.all()), list(Figure.objects.all())) == ([], [], [])


def test_the_sweep_stops_while_the_breaker_is_open_and_does_not_ask(migrating, stored, oms, settings):
    settings.HUB_BREAKER_FAILURES = 1
    address = oms.api_url
    migrating.external_url = "http://127.0.0.1:9/api/v1"
    with pytest.raises(ExternalUnavailable):
        ProxiedOrders().get(migrating, "store-1", "1001")
    Tenant.objects.update(external_url=address)
    before = len(oms.received)
    sampling.Sampling().run()
    assert len(oms.received) == before
    assert "left alone" in ComparisonSweep.objects.get().paused_because
    assert not sampling.Sampling().due()


def test_a_failed_read_of_the_sweep_adds_nothing_to_a_timeline(migrating, stored):
    migrating.external_url = "http://127.0.0.1:9/api/v1"
    with pytest.raises(ExternalUnavailable):
        own_system().compare(migrating, "store-1", "1001")
    assert not TimelineEntry.objects.exists()
