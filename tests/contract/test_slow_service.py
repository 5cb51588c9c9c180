"""Many reads at once of a slow external service: all are served, and hold no database connection while they wait."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connection
from oauth2_provider.models import AccessToken

from orders.models import Tenant
from proxy.simulator.server import MockOms
from tests.benchmarks.load import Connection
from tests.benchmarks.proxied import get_request
from tests.contract.wire import TOKEN, serving
from tests.proxy.conftest import ORDER, set_basic

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs_postgres, pytest.mark.needs_redis]

CALLERS, SERVICE_SECONDS, CONNECTIONS = 60, 1.0, 3
SIZES = {
    "HUB_WEB_PROCESSES": "1",
    "HUB_DATABASE_CONNECTIONS": str(CONNECTIONS),
    "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    "HUB_OUTBOUND_ALLOW_HTTP": "true",
}


@pytest.fixture
def service():
    with MockOms(basic=("u", "p")) as oms:
        oms.add_order("store-1", ORDER)
        yield oms


@pytest.fixture
def hub(service, hub_environ, empty_redis, tmp_path):
    """(the port, a till's read for each caller) of a hub with few database connections.

    Each read has a token that the hub does not know yet: it needs the database before it asks the service.
    """
    with serving(hub_environ, tmp_path / "web.log", SIZES) as wire:
        Tenant.objects.filter(slug="wired").update(mode="proxy", external_url=service.api_url)
        set_basic(Tenant.objects.get(slug="wired"))
        path = f"/api/v1/business-units/store-1/customer-orders/{ORDER['customerOrderId']}"
        yield wire.port, [get_request(path, Authorization=f"Bearer {token}") for token in more_tokens(CALLERS)]


def more_tokens(number):
    known = AccessToken.objects.get(token=TOKEN)
    tokens = [f"{TOKEN}-{count}" for count in range(number)]
    for token in tokens:
        AccessToken.objects.create(application=known.application, token=token, scope=known.scope, expires=known.expires)
    return tokens


def ids_of_connections():
    """The server processes of the hub's connections, without this process's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'orderhub'"
            " AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in cursor.fetchall()]


def read(port, request):
    with closing(Connection(port)) as connection:
        return connection.ask(request)


def test_all_are_served_at_once_with_few_database_connections(hub, service):
    port, requests = hub
    service.fail(delay=SERVICE_SECONDS, times=None)
    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as tills:
        answers = [tills.submit(read, port, request) for request in requests]
        time.sleep(SERVICE_SECONDS / 2)
        used = ids_of_connections()
    assert [answer.result() for answer in answers] == [200] * CALLERS
    assert time.monotonic() - began < CALLERS * SERVICE_SECONDS / 10
    assert 0 < len(used) <= CONNECTIONS


def test_connections_that_the_server_closed_cost_no_request(hub):
    port, requests = hub
    assert [read(port, request) for request in requests[:5]] == [200] * 5
    closed = ids_of_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", [closed])
    assert [read(port, request) for request in requests[5:15]] == [200] * 10
    assert closed
    assert set(closed).isdisjoint(ids_of_connections())
