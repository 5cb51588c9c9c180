"""While a tenant migrates, what its own system answers also says which orders it has."""

import pytest

from orders.cutover import ledger
from orders.cutover.ledger import _Collector
from orders.documents import SearchCriteria
from orders.inbox.sources import source_for
from orders.integrations.sources import Search
from orders.models import KnownOrder, Order, Tenant
from orders.values.problems import UnknownOrder
from proxy.sources import ProxiedOrders
from tests.proxy.conftest import ORDER

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture(autouse=True)
def _unwritten(monkeypatch):
    monkeypatch.setattr(ledger, "_collector", _Collector())
    monkeypatch.setattr(_Collector, "write_until_empty", lambda self: None)


@pytest.fixture
def migrating(tenant, basic):
    Tenant.objects.filter(pk=tenant.pk).update(mode="migrating")
    tenant.refresh_from_db()
    return tenant


def noted():
    ledger.write()
    return list(KnownOrder.objects.order_by("pk").values_list("business_unit_id", "customer_order_id", "how"))


def search(tenant, **page):
    return ProxiedOrders().search(tenant, "store-1", Search(SearchCriteria(), b"{}", **{"skip": 0, "take": 50, **page}))


def test_reads_go_to_the_own_system_also_for_orders_that_are_stored(migrating, oms, engine_of):
    engine_of(migrating).put("1001", status="STALE")
    engine_of(migrating).drain()
    oms.add_order("store-1", ORDER)
    assert Order.objects.get().status == "STALE"
    found = source_for(migrating).get(migrating, "store-1", "1001")
    assert (b'"CREATED"' in found.body, found.sequence) == (True, None)


def test_a_read_order_is_known(migrating, oms):
    oms.add_order("store-1", ORDER)
    ProxiedOrders().get(migrating, "store-1", "1001")
    assert noted() == [("store-1", "1001", "read")]


def test_an_order_that_is_not_found_is_not_known(migrating):
    with pytest.raises(UnknownOrder):
        ProxiedOrders().get(migrating, "store-1", "1001")
    assert noted() == []


def test_all_orders_of_a_search_are_known_not_only_the_page_shown(migrating, oms):
    for number in range(3):
        oms.add_order("store-1", {**ORDER, "customerOrderId": str(number)})
    page = search(migrating, take=1)
    assert (len(page.orders), page.has_more) == (1, True)
    assert sorted(noted()) == [("store-1", str(number), "search") for number in range(3)]


def test_in_proxy_mode_nothing_is_noted(tenant, basic, oms):
    oms.add_order("store-1", ORDER)
    search(tenant)
    assert noted() == []


@pytest.fixture
def engine_of():
    from tests.engine_fixtures import Engine

    return Engine
