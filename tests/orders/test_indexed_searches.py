"""On tables that grow without end each search of the admin is answered by an index, for every kind of text."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from orders.documents import SearchCriteria
from orders.inbox.stored_orders import StoredOrders
from orders.integrations.sources import Search

pytestmark = [pytest.mark.django_db, pytest.mark.needs_postgres]
SETTINGS = {
    "auth_group", "auth_user", "orders_tenant", "orders_apiclient", "orders_destination", "suppliers_supplier",
    "suppliers_webhook", "orderflow_orderflowchannel", "proxy_proxyconfig",
}  # fmt: skip
"""As many rows as there are settings; read as a whole."""
FEW = {
    "orders_repairrun": "a person begins each",
    "orders_staffchange": "a person makes each",
    "proxy_contractdrift": "500 a tenant (orders.telemetry.counted_rows)",
    "orders_unknowncontent": "500 a tenant (orders.telemetry.counted_rows)",
    "suppliers_stocklevel": "one per item and supplier; the item is looked for by an index",
}
APPS = ("orders_", "suppliers_", "orderflow_", "proxy_")
TERMS = ("0197a1d2-0000-7000-8000-000000000001", "1001", "REF-7", "somebody", "a b")


def plan_of(sql):
    """With sequential scans at a forbidding price: one that is left has no index that would do."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        return cursor.fetchone()[0][0]["Plan"]


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def scans(sql):
    """The tables read whole: without an index, or along one with a condition that it cannot help."""
    for node in nodes(plan_of(sql)):
        along = node["Node Type"].startswith("Index") and "Index Cond" not in node and "Filter" in node
        if node["Node Type"] == "Seq Scan" or along:
            yield node["Relation Name"]


@pytest.fixture
def new_tables(db):
    """As after migrating: what earlier tests left of pages and statistics would change the planner's mind."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name.startswith(APPS)]
        cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE")


NOW = datetime(2026, 11, 29, tzinfo=UTC)
CRITERIA = {
    "customer_id": "c-1", "customer_order_id": "1001", "status": "CREATED", "item_id": "BEAN-1", "placed_from": NOW,
    "placed_to": NOW, "updated_from": NOW, "updated_to": NOW,
}  # fmt: skip
EVENT_FILTERS = (
    {}, {"customerOrderId": "1001"}, {"businessUnitId": "store-1"}, {"status": "dead"},
    {"since": "2026-11-29T10:00:00Z"}, {"since": "2026-11-29T10:00:00Z", "status": "dead", "customerOrderId": "1001"},
)  # fmt: skip
SEARCHED = {model._meta.label: page for model, page in admin.site._registry.items() if page.search_fields}


@pytest.mark.parametrize("label", sorted(SEARCHED))
@pytest.mark.parametrize("term", TERMS)
def test_a_search_reads_no_big_table_whole(label, term, new_tables):
    request = RequestFactory().get("/", {"q": term})
    request.user = User.objects.create_superuser("ada")
    with CaptureQueriesContext(connection) as queries:
        list(SEARCHED[label].get_changelist_instance(request).result_list)
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert asked
    assert {table for sql in asked for table in scans(sql)} <= SETTINGS | set(FEW)


def read_whole(work):
    """The tables that the statements of ``work`` read whole."""
    with CaptureQueriesContext(connection) as queries:
        work()
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert asked
    return {table for sql in asked for table in scans(sql)} - SETTINGS - set(FEW)


@pytest.mark.parametrize(
    "criteria",
    [{}, *({name: value} for name, value in CRITERIA.items()), CRITERIA],
    ids=lambda criteria: ",".join(criteria) or "nothing",
)
def test_a_search_of_the_api_reads_no_big_table_whole(new_tables, acme, criteria):
    wanted = Search(SearchCriteria(**criteria), b"{}", skip=0, take=50)
    assert read_whole(lambda: StoredOrders().search(acme, "store-1", wanted)) == set()


@pytest.mark.parametrize("filters", EVENT_FILTERS, ids=lambda filters: ",".join(filters) or "nothing")
def test_a_list_of_events_reads_no_big_table_whole(new_tables, api, filters):
    assert read_whole(lambda: api.get(f"/api/v1/order-events?{urlencode(filters)}")) == set()


def test_the_test_sees_a_scan():
    assert list(scans("SELECT 1 FROM orders_operatoraction WHERE reason = 'x'")) == ["orders_operatoraction"]
    assert list(scans("SELECT 1 FROM orders_order WHERE status = 'x' ORDER BY queue_id DESC LIMIT 9")) != []
