"""One box finds an order by any id, in every tenant and business unit that the login may see."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.inbox.reception import accept
from orders.models import Delivery
from orders.telemetry import timeline_entries
from orders.timeline.find import find
from orders.values.order_key import OrderKey
from tests.bodies import body
from tests.orders.outbox import Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def put(engine, order_id, *, unit="store-1", correlation="c", customer="c-1"):
    key = engine.key(order_id, unit)
    accepted = accept(key, payload=body(order_id, customer=customer), client_id=None, correlation_id=correlation)
    return key, accepted.event_id


def test_the_same_id_is_found_in_every_tenant_and_business_unit(engine, other_engine):
    keys = {put(engine, "7")[0], put(engine, "7", unit="store-2")[0], put(other_engine, "7", unit="store-9")[0]}
    put(engine, "8")
    assert find("7", tenant_id=None) == dict.fromkeys(keys, "order id")
    assert set(find("7", tenant_id=other_engine.tenant.pk)) == {other_engine.key("7", "store-9")}
    assert find("no-such-id", tenant_id=None) == {}
    assert find("  ", tenant_id=None) == {}


def test_each_id_finds_its_order_and_says_how(engine):
    key, event_id = put(engine, "7", correlation="corr-7", customer="c-77")
    engine.drain()
    outbox = Outbox(engine.tenant, order_id="7")
    outbox.add_delivery()
    Delivery.objects.update(reference="REF-7")
    delivery = Delivery.objects.get()
    timeline_entries.record(key, source="proxy", what="read", correlation_id="corr-8", reference="REF-8")
    for text, by in {
        "7": "order id",
        "c-77": "customer id",
        str(event_id): "event id",
        str(delivery.pk): "delivery or webhook id",
        f"msg_{delivery.pk.hex}": "delivery or webhook id",
        "ref-7": "reference or order token",
        "REF-8": "reference",
        "corr-7": "correlation id",
        "corr-8": "correlation id",
    }.items():
        assert find(text, tenant_id=None) == {key: by}, text
        assert find(text, tenant_id=0) == {}, text


def test_an_order_that_was_never_applied_and_one_only_read_through_are_found(engine):
    never, _ = put(engine, "never")
    read = OrderKey(engine.tenant.pk, "till 4", "only-read")
    timeline_entries.record(read, source="proxy", what="Read failed")
    assert list(find("never", tenant_id=None)) == [never]
    assert list(find("only-read", tenant_id=None)) == [read]


def test_an_order_token_of_a_supplier_that_only_pulls_is_found(engine):
    from suppliers.models import Supplier, SupplierPart

    supplier = Supplier.objects.create(tenant=engine.tenant, slug="beans", name="Beans", item_patterns=["*"])
    token = uuid4()
    SupplierPart.objects.create(
        supplier=supplier, **engine.key("7")._asdict(), order_token=token, owed_digest="", owed_sequence=1
    )
    for text in (str(token), token.hex.upper(), f"{{{token}}}"):
        assert find(text, tenant_id=None) == {engine.key("7"): "order token"}
    assert find(str(token), tenant_id=engine.tenant.pk + 1) == {}


def test_an_orderflow_reference_is_found_before_anything_was_sent(engine):
    from orderflow.models import OrderFlowChannel, WarehouseOrder
    from orders.models import Destination

    destination = Destination.objects.create(tenant=engine.tenant, channel="orderflow", name="main")
    channel = OrderFlowChannel.objects.create(destination=destination)
    WarehouseOrder.objects.create(
        channel=channel,
        business_unit_id="store-1",
        customer_order_id="7",
        reference="ACME-7",
        first_received_at=timezone.now(),
    )
    assert find("acme-7", tenant_id=None) == {engine.key("7"): "OrderFlow reference"}


@pytest.mark.needs_postgres
def test_no_way_of_finding_reads_a_whole_table(engine, django_assert_max_num_queries):
    """On a full table the planner would choose; here scans are forbidden to see that each way has an index at all."""
    from django.db import connection

    put(engine, "7")
    engine.drain()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off")
        with django_assert_max_num_queries(30) as queries:
            find("7", tenant_id=None)
            find(str(uuid4()), tenant_id=None)
        asked = [one["sql"] for one in queries if one["sql"].lstrip().startswith(("SELECT", "WITH"))]
        plans = []
        for sql in asked:
            cursor.execute("EXPLAIN " + sql)
            plans += [(row[0], sql) for row in cursor.fetchall() if "Seq Scan" in row[0]]
    small = ("orders_tenant", "orders_destination", "orderflow_orderflowchannel", "django_")
    assert [one for one in plans if not any(name in one[0] for name in small)] == []


def test_a_bound_login_finds_only_its_own(engine, bound, furnished):
    html = bound.get(reverse("admin:orders_order_find"), {"q": "1001"}).content.decode()
    assert "Nothing found" in html
