import json
from decimal import Decimal

import pytest
from django.test import Client

from orders.models import TimelineEntry
from suppliers.models import PartDelivery, StockLevel, SupplierEvent, SupplierPart
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db, pytest.mark.urls("suppliers.urls")]
PATH = "/api/events/v1/dk/external/acme/send"


@pytest.fixture
def part(book, add_supplier):
    add_supplier("beans", ["*"])
    book.apply(order("A"))
    return SupplierPart.objects.get()


@pytest.fixture
def send(part, token):
    headers = token(part.supplier.api_client)

    def post(body, *, path=PATH, **more):
        event_type = body.get("eventType", "") if isinstance(body, dict) else "x"
        sent = headers | {"Event-Type": event_type} | more
        text = body if isinstance(body, str) else json.dumps(body)
        return Client().post(path, text, content_type="application/json", headers={k: v for k, v in sent.items() if v})

    return post


def status(part, word, at="2026-11-20T08:00:00Z", **members):
    return {
        "eventType": "order_status_updated", "payloadVersion": "1.0.0", "timestamp": at,
        "orderToken": part.token, "status": word, **members,
    }  # fmt: skip


def delivery(part, word, at="2026-11-20T08:00:00Z", **members):
    return status(part, word, at, **members) | {"eventType": "delivery_updated"}


def stock(*items, at="2026-11-20T08:00:00Z"):
    return {"eventType": "stock_updated", "payloadVersion": "1.0.0", "timestamp": at, "items": list(items)}


def test_a_status_is_kept_and_shown_to_the_supplier(part, send, token):
    answer = send(status(part, "packed", comment="all of it", at="2026-11-20T10:00:00.25+0200"))
    assert answer.status_code == 201
    event = SupplierEvent.objects.get()
    assert answer.json() == {"id": str(event.pk), "duplicate": False}
    assert event.timestamp == "2026-11-20T10:00:00.25+0200"
    shown = Client().get(
        "/api/Orders", {"ExternalId": part.token}, headers=token(part.supplier.api_client, "supplier-orders:read")
    )
    assert shown.json()["supplierStatus"] == {
        "status": "packed", "comment": "all of it", "updatedAt": "2026-11-20T08:00:00.250Z",
    }  # fmt: skip
    assert TimelineEntry.objects.first().what == "Beans reported order status packed"


def test_the_same_value_again_is_a_duplicate_with_the_first_id(part, send):
    first = send(status(part, "packed")).json()
    body = status(part, "packed")
    again = send("  " + json.dumps(dict(reversed(body.items())), indent=2))
    assert again.status_code == 400
    again = send(json.dumps(dict(reversed(body.items())), indent=2), **{"Event-Type": "order_status_updated"})
    assert (again.status_code, again.json()) == (201, {"id": first["id"], "duplicate": True})
    assert SupplierEvent.objects.count() == 1
    assert TimelineEntry.objects.count() == 1


def test_the_newest_timestamp_wins_and_reception_decides_ties(part, send):
    for word, at in [("b", "09:00:00Z"), ("a", "08:00:00Z"), ("c", "10:00:00+01:00"), ("old", "08:59:59.999999999Z")]:
        assert send(status(part, word, at=f"2026-11-20T{at}")).json()["duplicate"] is False
    part.refresh_from_db()
    assert part.status == "c"
    details = list(TimelineEntry.objects.order_by("pk").values_list("detail", flat=True))
    assert ["newer report" in detail for detail in details] == [False, True, False, True]


def test_deliveries_are_distinguished_by_tracking_number(part, send):
    url = "https://post.example.com/1"
    send(
        delivery(
            part, "sent", trackingNumber="1", carrier="Post", trackingUrl=url, expectedDate="2026-12-01", items=["A"]
        )
    )
    send(delivery(part, "sent", trackingNumber="2"))
    send(delivery(part, "arrived", at="2026-11-21T08:00:00Z", trackingNumber="1"))
    send(delivery(part, "stale", at="2026-11-19T08:00:00Z", trackingNumber="2"))
    found = PartDelivery.objects.order_by("tracking_number").values_list("tracking_number", "status", "carrier")
    assert list(found) == [("1", "arrived", None), ("2", "sent", None)]
    part.refresh_from_db()
    assert part.status == ""


def test_stock_is_kept_per_item_with_its_digits(part, send):
    send(
        json.dumps(stock({"itemId": "A", "available": 1}, {"itemId": "B", "available": 5})).replace("5}", "2.50}"),
        **{"Event-Type": "stock_updated"},
    )
    send(stock({"itemId": "A", "available": 9, "expectedDate": "2026-12-01"}, at="2026-11-21T08:00:00Z"))
    send(stock({"itemId": "A", "available": 4}, {"itemId": "C", "available": 0}, at="2026-11-19T08:00:00Z"))
    found = StockLevel.objects.order_by("item_id").values_list("item_id", "available", "expected_date")
    assert list(found) == [("A", "9", "2026-12-01"), ("B", "2.50", None), ("C", "0", None)]
    assert Decimal(found[1][1]) == Decimal("2.5")


def test_unknown_members_are_noted(part, send):
    assert send(status(part, "packed", color="red")).status_code == 201
    assert SupplierEvent.objects.get().ignored == ["color"]
    assert "Members not known here: color." in TimelineEntry.objects.get().detail


@pytest.mark.parametrize("depth", [21, 300, 500, 980])
def test_an_unknown_member_nested_too_deeply_is_refused(part, send, depth):
    body = json.dumps(status(part, "Received"))[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    assert send(body, **{"Event-Type": "order_status_updated"}).status_code == 400
    assert not SupplierEvent.objects.exists()


def test_someone_elses_order_token_is_404_and_nothing_is_kept(part, send, add_supplier, token):
    other = add_supplier("peas", ["*"])
    headers = token(other.api_client) | {"Event-Type": "order_status_updated"}
    answer = Client().post(PATH, status(part, "x"), content_type="application/json", headers=headers)
    assert answer.status_code == 404
    assert send(status(part, "x") | {"orderToken": "11111111-2222-4333-8444-555555555555"}).status_code == 404
    assert not SupplierEvent.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/api/events/v1/se/external/acme/send",
        "/api/events/v1/dk/external/bolt/send",
        "/api/events/v1/DK/external/acme/send",
    ],
)
def test_another_country_or_tenant_in_the_address_is_404_before_the_body_is_read(send, path):
    assert send("{", path=path).status_code == 404


def test_a_tenant_without_a_country_has_no_such_address(part, send):
    part.tenant.country = ""
    part.tenant.save()
    assert send(status(part, "x")).status_code == 404


@pytest.mark.parametrize(
    ("change", "headers", "code"),
    [
        ({"eventType": "order_created"}, {"Event-Type": "order_created"}, 400),
        ({}, {"Event-Type": "delivery_updated"}, 400),
        ({}, {"Event-Type": ""}, 400),
        ({"payloadVersion": "2.0.0"}, {}, 400),
        ({"status": 5}, {}, 400),
        ({}, {"Content-Type": "text/plain"}, 415),
        ({}, {"Authorization": ""}, 401),
    ],
)
def test_a_bad_event_is_refused_and_not_kept(part, send, change, headers, code):
    assert send(status(part, "x") | change, **headers).status_code == code
    assert not SupplierEvent.objects.exists()


def test_a_token_without_the_scope_is_403(part, token):
    headers = token(part.supplier.api_client, "supplier-orders:read") | {"Event-Type": "order_status_updated"}
    answer = Client().post(PATH, status(part, "x"), content_type="application/json", headers=headers)
    assert answer.status_code == 403


def test_a_tenants_own_client_gets_an_error_about_the_scope_it_lacks(part, send, token, make_client):
    own = token(make_client(part.tenant, "till", scopes=["customer-orders:read"]), "customer-orders:read")
    assert send(status(part, "x"), **own).status_code == 403
    assert send(status(part, "x"), path="/api/events/v1/se/external/acme/send", **own).status_code == 404


@pytest.mark.parametrize("item_id", ["", ".", "..", " A", "A ", "A\tB", "x" * 129])
def test_an_item_that_no_order_can_name_is_refused(part, send, item_id):
    answer = send(stock({"itemId": "A", "available": 1}, {"itemId": item_id, "available": 1}))
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/items/1/itemId"]
    assert send(delivery(part, "sent", items=[item_id])).status_code == 400


def test_get_is_405(part, token):
    answer = Client().get(PATH, headers=token(part.supplier.api_client))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
