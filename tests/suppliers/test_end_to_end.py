"""The whole road inside the hub: PUT, applied, webhook sent, order data fetched."""

import ipaddress
import json

import pytest
from django.test import Client

from orders.inbox import applying
from orders.inbox.reception import accept
from orders.models import Delivery, DeliveryAttempt, Destination, Lane, OrderEvent, TimelineEntry
from orders.outbox import dispatcher
from orders.values.order_key import OrderKey
from suppliers.models import Notice, SupplierPart
from tests.orders.wire_server import answer, wire_server
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True), pytest.mark.urls("suppliers.urls")]


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0]


def put(tenant, document):
    key = OrderKey(tenant.pk, "store-1", document["customerOrderId"])
    accept(key, payload=json.dumps({"customerOrder": document}).encode(), client_id=None, correlation_id="corr-1")


def work():
    while applying.drain():
        pass
    dispatcher.deliver()


def bodies(server):
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]


def test_an_order_reaches_its_supplier_who_fetches_its_part(tenant, add_supplier, token):
    with wire_server(lambda connection, _: connection.sendall(answer(status="202 Accepted"))) as server:
        supplier = add_supplier("beans", ["BEAN-*"], url=server.url)
        put(tenant, order("BEAN-1", "PEA-1"))
        put(tenant, order("BEAN-1", "PEA-2"))
        put(tenant, order("BEAN-2"))
        work()
    assert [body["eventType"] for body in bodies(server)] == ["order_created", "order_updated"]
    assert list(OrderEvent.objects.order_by("sequence").values_list("status", flat=True)) == ["applied"] * 3
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}
    assert Lane.objects.get().due_at is None
    part = SupplierPart.objects.get()
    assert part.told_at is not None
    assert part.unfetched_since is not None
    fetched = Client().get(
        "/api/Orders", {"ExternalId": bodies(server)[0]["orderToken"]}, headers=token(supplier.api_client)
    )
    assert [item["itemId"] for item in fetched.json()["items"]] == ["BEAN-2"]
    part.refresh_from_db()
    assert part.unfetched_since is None
    assert TimelineEntry.objects.filter(what="Beans fetched the order data").count() == 1


def test_a_pull_only_supplier_of_a_tenant_without_destinations_has_its_events(tenant, add_supplier):
    add_supplier("beans", ["*"], url=None)
    put(tenant, order("A"))
    work()
    assert Notice.objects.get().event_type == "order_created"
    assert not Delivery.objects.exists()


def test_a_dead_order_created_holds_its_successors(tenant, add_supplier):
    with wire_server(lambda connection, _: connection.sendall(answer(status="500 Sorry"))) as server:
        add_supplier("beans", ["*"], url=server.url)
        put(tenant, order("A"))
        put(tenant, order("B"))
        work()
        work()
    assert [body["eventType"] for body in bodies(server)] == ["order_created", "order_created"]
    created, updated = Delivery.objects.order_by("position")
    assert (created.status, updated.status) == ("dead", "pending")
    assert Lane.objects.get().held_by == created.pk


def test_a_refused_login_stops_the_endpoint_and_burns_nothing(tenant, add_supplier):
    with wire_server(lambda connection, _: connection.sendall(answer(status="401 No"))) as server:
        add_supplier("beans", ["*"], url=server.url)
        for number in range(3):
            put(tenant, order("A", order_id=f"o{number}"))
        work()
        work()
    assert len(server.requests) <= 3
    assert set(Delivery.objects.values_list("status", "attempts")) == {("pending", 0)}
    destination = Destination.objects.get()
    assert (destination.state, destination.probe_at is not None) == ("stopped", True)
    assert set(DeliveryAttempt.objects.values_list("verdict", "response_status")) == {("misconfigured", 401)}
    sent = len(server.requests)
    work()
    assert len(server.requests) == sent


def test_an_endpoint_that_answers_410_is_disabled(tenant, add_supplier):
    with wire_server(lambda connection, _: connection.sendall(answer(status="410 Gone"))) as server:
        add_supplier("beans", ["*"], url=server.url)
        put(tenant, order("A"))
        work()
        work()
    assert len(server.requests) == 1
    assert Destination.objects.values_list("state", "probe_at").get() == ("paused", None)
    assert Delivery.objects.values_list("status", "attempts").get() == ("pending", 0)
