"""The whole road inside the hub: PUT, applied, imported by a courier's threads, recorded."""

import json

import pytest

from orders.inbox import applying
from orders.inbox.reception import accept
from orders.models import Delivery, Destination, Lane, OrderEvent
from orders.outbox import dispatcher
from orders.values.order_key import OrderKey
from tests.orderflow.conftest import an_order, fates, held, place, posts

pytestmark = [pytest.mark.both, pytest.mark.django_db(transaction=True)]


def put(tenant, document, *, unit="store-1"):
    key = OrderKey(tenant.pk, unit, document["customerOrderId"])
    accept(key, payload=json.dumps({"customerOrder": document}).encode(), client_id=None, correlation_id="corr-1")


def work():
    while applying.drain():
        pass
    dispatcher.deliver()


def test_orders_of_a_backlog_reach_the_warehouse_in_few_documents(tenant, site, warehouse):
    for number in range(60):
        put(tenant, an_order(("A", number + 1), order_id=f"o{number}"))
    work()
    assert held(site) == {f"o{number}": {"A": number + 1} for number in range(60)}
    assert set(OrderEvent.objects.values_list("status", flat=True)) == {"applied"}
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}
    assert not Lane.objects.filter(due_at__isnull=False).exists()
    assert len(posts(site)) <= 6


def test_changes_in_sequence_end_in_what_was_put_last(tenant, site, warehouse):
    for quantity in (1, 2, 3):
        put(tenant, an_order(("A", quantity)))
        work()
    put(tenant, an_order(("A", 3), status="FULFILLED"))
    work()
    assert held(site) == {"1001": {"A": 3}}
    assert fates() == [("import", "delivered")] * 3


def test_the_tenants_own_status_words_count_after_translation(tenant, site, warehouse):
    tenant.status_map = {"ANNULLERET": "CANCELLED"}
    tenant.save()
    put(tenant, an_order(("A", 1)))
    work()
    put(tenant, an_order(("A", 1), status="ANNULLERET"))
    work()
    assert held(site) == {}
    assert fates() == [("import", "delivered"), ("cancel", "delivered")]
    assert place().state == "cancelled"


def test_a_stopped_channel_goes_on_in_order_once_resumed(tenant, site, warehouse):
    from orders.outbox import destination_health

    site.users["philz"] = "changed at the site"
    put(tenant, an_order(("A", 1)))
    work()
    put(tenant, an_order(("A", 2)))
    work()
    assert held(site) == {}
    destination = Destination.objects.get(pk=warehouse.destination_id)
    assert destination.state == "stopped"
    site.users["philz"] = "pässword"
    destination_health.resume(destination, who="test")
    dispatcher.deliver()
    assert held(site) == {"1001": {"A": 2}}
    assert fates() == [("import", "superseded"), ("import", "delivered")]
