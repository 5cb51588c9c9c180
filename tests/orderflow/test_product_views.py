"""PUT and GET of products (docs/reference/api.md#operations), and what a changed catalogue owes."""

import json

import pytest

from orderflow.catalogue.products import resend_changed
from orderflow.models import Product
from orders.models import Delivery, Tenant
from tests.orderflow.conftest import deliver, posts

pytestmark = pytest.mark.both
PLACE = "/api/v1/orderflow-channels/main/products/"


@pytest.fixture
def api(tenant, sign_in):
    return sign_in(tenant, scopes=["products:write"])


def answer(response):
    return response.status_code, json.loads(response.content)


def problem(response):
    body = json.loads(response.content)
    pointers = [fault["pointer"] for fault in body.get("errors", [])]
    return response.status_code, body["type"].removeprefix("urn:orderhub:problem:"), pointers


def test_a_product_is_stored_sent_and_imported(api, site, warehouse):
    body = {"description": "Green beans", "weight": 0, "priceNet": "10.50", "activated": True}
    assert answer(api.put(PLACE + "BEAN%2F1", body)) == (202, {"sku": "BEAN/1", "status": "pending"})
    deliver()
    (call,) = posts(site)
    assert b'externalReference="BEAN/1"' in call.body
    assert b"weight=0\n" in call.body
    stored = {
        "externalReference": "BEAN/1", "description": "Green beans", "weight": "0", "priceNet": "10.50",
        "activated": "true",
    }  # fmt: skip
    told = {"sku": "BEAN/1", "status": "imported", "failure": None, "properties": stored}
    assert answer(api.get(PLACE + "BEAN%2F1")) == (200, told)


def test_what_was_read_can_be_put_back_and_requires_nothing(api, site, warehouse):
    api.put(PLACE + "A", {"description": "Green"})
    deliver()
    read = answer(api.get(PLACE + "A"))[1]["properties"]
    assert answer(api.put(PLACE + "A", read)) == (202, {"sku": "A", "status": "imported"})
    assert Delivery.objects.count() == 1


def test_a_refused_product_gives_the_reason_until_it_is_changed(api, site, add_channel):
    channel = add_channel(base_url=site.base_url, product_scope="organisation", organisation="nobody")
    api.put(PLACE + "A", {"description": "Green"})
    deliver()
    status, told = answer(api.get(PLACE + "A"))
    assert (status, told["status"]) == (200, "failed")
    assert "ref:organisation:nobody" in told["failure"]
    channel.organisation = "altco"
    channel.save()
    assert answer(api.put(PLACE + "A", {"description": "Green"}))[1]["status"] == "pending"
    deliver()
    assert answer(api.get(PLACE + "A"))[1]["status"] == "imported"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        ({}, ["/description"]),
        ({"description": 5}, ["/description"]),
        ({"description": "x" * 121}, ["/description"]),
        ({"description": "d", "weight": True}, ["/weight"]),
        ({"description": "d", "weight": "1,5"}, ["/weight"]),
        ({"description": "d", "size": None, "colour": ["red"]}, ["/size", "/colour"]),
        ({"description": "d", "colour": "\u0001"}, ["/colour"]),
        ({"description": "d", "channel": "OTHER"}, ["/channel"]),
        ({"description": "d", "no/such": 1}, ["/no~1such"]),
        ({"description": "d", "externalReference": "B"}, ["/externalReference"]),
    ],
)
def test_every_fault_of_a_product_is_named_and_nothing_is_stored(api, warehouse, body, pointers):
    assert problem(api.put(PLACE + "A", body)) == (400, "invalid-body", pointers)
    assert not Product.objects.exists()


@pytest.mark.parametrize("sku", ["A" * 121, "%20A", "A%00", "..", "A%E2%80%A8B"])
def test_a_sku_that_cannot_be_one_is_refused(api, warehouse, sku):
    assert problem(api.put(PLACE + sku, {"description": "d"})) == (400, "invalid-id", ["/sku"])


def test_anothers_channel_is_as_unknown_as_none(api, add_channel, sign_in):
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    add_channel(of=other)
    for call in (api.get(PLACE + "A"), api.put(PLACE + "A", {"description": "d"})):
        assert problem(call) == (404, "unknown-channel", [])
    bolt = sign_in(other, "bolt-till", scopes=["products:write"])
    assert problem(bolt.get(PLACE + "A")) == (404, "unknown-product", [])


def test_products_have_a_scope_of_their_own(tenant, warehouse, sign_in):
    api = sign_in(tenant, scopes=["customer-orders:write"])
    assert problem(api.put(PLACE + "A", {"description": "d"})) == (403, "scope-missing", [])


@pytest.mark.parametrize(("mode", "status"), [("events", 202), ("migrating", 202), ("proxy", 405)])
def test_products_are_taken_in_events_and_migrating_mode(tenant, warehouse, sign_in, mode, status):
    tenant.mode, tenant.external_url = mode, "https://oms.example.com"
    tenant.save()
    api = sign_in(tenant, scopes=["products:write"])
    assert api.put(PLACE + "A", {"description": "d"}).status_code == status


def test_products_are_sent_again_when_it_changes_whose_they_are(api, site, warehouse):
    api.put(PLACE + "A", {"description": "Green"})
    deliver()
    assert resend_changed(warehouse) == 0
    warehouse.product_scope = "global"
    warehouse.save()
    assert resend_changed(warehouse) == 1
    assert Product.objects.get().status == "pending"
    deliver()
    assert [b"channel=MYCHANNEL" in call.body for call in posts(site)] == [True, False]
    assert Product.objects.get().status == "imported"
    assert resend_changed(warehouse) == 0


def test_a_client_of_one_unit_has_no_part_in_a_channel_of_another(tenant, sign_in, warehouse):
    api = sign_in(tenant, scopes=["products:write"], business_units=["store-1"])
    warehouse.business_units = ["store-2"]
    warehouse.save()
    assert problem(api.put(PLACE + "A", {"description": "Green"}))[:2] == (403, "business-unit-not-allowed")
    assert problem(api.get(PLACE + "A"))[:2] == (403, "business-unit-not-allowed")
    assert not Product.objects.filter(sku="A").exists()
    warehouse.business_units = ["store-1", "store-2"]
    warehouse.save()
    assert answer(api.put(PLACE + "A", {"description": "Green"}))[0] == 202
