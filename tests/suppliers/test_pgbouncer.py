"""The hub behind a real pgbouncer in transaction mode, where each transaction meets another server connection.

Beside it straight to PostgreSQL: what a connection loses on the way must not be missed there either.
"""

import ipaddress
import json
import os
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from django.test import Client

from config.management.commands.migrate import LOCK, _alone
from orders.access.kept_secrets import kept_secrets
from orders.access.sealing import reseal_all, store_secret
from orders.inbox import applying
from orders.models import Delivery, OrderEvent
from orders.outbox import dispatcher
from tests.orders.wire_server import answer, wire_server
from tests.processes import wait_until
from tests.servers.pooler import MISSING, SERVERS, find_pgbouncer, pgbouncer
from tests.suppliers.conftest import order

pytestmark = [
    pytest.mark.needs_postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(find_pgbouncer() is None, reason=MISSING),
]
ORDERS = 2 * SERVERS
"""Enough for every server connection to meet each statement more than once."""


@pytest.fixture(scope="module")
def pooler():
    behind = urlsplit(os.environ["DATABASE_URL"]).port
    with pgbouncer(find_pgbouncer(), behind=behind) as started:
        yield started


@contextmanager
def by_way_of(port):
    """This process and its threads reach the test's database there; the pooler has filled its pool."""
    settings, straight = connection.settings_dict, connection.settings_dict["PORT"]
    connection.close()
    settings["PORT"] = port
    try:
        wait_until(lambda: len(backends()) == SERVERS, why=lambda: "the pooler did not fill its pool")
        yield
    finally:
        connection.close()
        settings["PORT"] = straight


@pytest.fixture
def pooled(pooler, transactional_db):
    with by_way_of(pooler.port):
        yield pooler


def backends():
    """The processes of PostgreSQL that the next transactions meet: all of the pool, one after another."""
    return {ask("SELECT pg_backend_pid()") for _ in range(2 * SERVERS)}


def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def nothing(pooler):
    """Only the ways of the pool."""


def reconnect(pooler):
    before = backends()
    pooler.console("RECONNECT")
    wait_until(lambda: not before & backends())


def forget_what_was_prepared(pooler):
    for _ in range(SERVERS):
        ask("DEALLOCATE ALL")


def grow_old(pooler):
    """Server connections end after a second of life."""
    before = backends()
    pooler.console("SET server_lifetime = 1")
    try:
        wait_until(lambda: not before & backends())
    finally:
        pooler.console("SET server_lifetime = 3600")


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0]


@pytest.fixture
def road(tenant, make_client, make_token, add_supplier):
    """Drives orders from their PUT to the supplier that fetches its part; `disturb` strikes between any two steps."""
    shop = {"Authorization": f"Bearer {make_token(make_client(tenant))}"}

    def put(document):
        target = f"/api/v1/business-units/store-1/customer-orders/{document['customerOrderId']}"
        body = json.dumps({"customerOrder": document})
        return Client().put(target, body, content_type="application/json", headers=shop, RAW_URI=target).status_code

    def drive(disturb):
        with wire_server(lambda connection, _: connection.sendall(answer(status="202 Accepted"))) as server:
            supplier = add_supplier("beans", ["*"], url=server.url)
            for item in ("A", "B"):
                assert {put(order(item, order_id=f"o-{number}")) for number in range(ORDERS)} == {202}
                disturb()
                while applying.drain():
                    disturb()
                dispatcher.deliver()
                disturb()
            sent = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
        return sent, {"Authorization": f"Bearer {make_token(supplier.api_client)}"}

    return drive


def fetched(order_token, bearer):
    target = f"/api/Orders?ExternalId={order_token}"
    return [item["itemId"] for item in Client().get(target, headers=bearer, RAW_URI=target).json()["items"]]


def check(road, disturb):
    """Everything accepted is applied and sent, once and in order, and is read as it was put last."""
    sent, bearer = road(disturb)
    kinds = {body["orderToken"]: [] for body in sent}
    for body in sent:
        kinds[body["orderToken"]].append(body["eventType"])
    assert list(kinds.values()) == [["order_created", "order_updated"]] * ORDERS
    assert [fetched(order_token, bearer) for order_token in kinds] == [["B"]] * ORDERS
    events = OrderEvent.objects.order_by("queue__customer_order_id", "sequence")
    expected = [(f"o-{number}", sequence, "applied") for number in range(ORDERS) for sequence in (1, 2)]
    assert list(events.values_list("queue__customer_order_id", "sequence", "status")) == expected
    assert list(Delivery.objects.values_list("status", flat=True)) == ["delivered"] * 2 * ORDERS


@pytest.mark.parametrize("disturb", [nothing, reconnect, forget_what_was_prepared, grow_old])
def test_behind_a_pooler_every_order_is_received_applied_sent_and_read(road, pooled, disturb):
    check(road, lambda: disturb(pooled))


def test_straight_to_the_database_statements_that_are_forgotten_lose_nothing(road, transactional_db):
    check(road, lambda: ask("DEALLOCATE ALL"))


def test_behind_a_pooler_rows_are_read_one_by_one_without_a_cursor_of_the_server(pooled, tenant, settings):
    for number in range(ORDERS):
        store_secret(tenant_id=tenant.pk, kind="webhook-signing", owner=f"supplier-{number}", value="whsec")
    assert len(list(kept_secrets())) == ORDERS
    (key_id, key), newer = settings.HUB_ENCRYPTION_KEYS[0], ("newer", os.urandom(32))
    settings.HUB_ENCRYPTION_KEYS = (newer, (key_id, key))
    assert reseal_all() == ORDERS


def test_behind_a_pooler_one_migrates_at_a_time_and_leaves_no_lock(pooled):
    """A session's lock would stay with one server connection while its owner goes on with another."""
    with _alone(connection):
        reconnect_idle_ones(pooled)
        assert not lock_is_free()
    wait_until(lock_is_free)


def reconnect_idle_ones(pooler):
    pooler.console("RECONNECT")
    ask("SELECT 1")


def lock_is_free():
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    with psycopg.connect(url) as straight:
        return straight.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()[0]
