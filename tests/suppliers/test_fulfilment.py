"""docs/reference/api.md#fulfilment-and-stock: for the tenant's own clients."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orders.access.clients import ClientEntry, save_client
from orders.models import Order, Tenant
from suppliers.models import SupplierPart
from suppliers.reports.recording import receive_report
from tests.api_fixtures import Api
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db]
URL = "/api/v1/business-units/store-1/customer-orders/1001/fulfilment"


@pytest.fixture
def reader(tenant, make_token):
    entry = ClientEntry(client_id="till", scopes=["customer-orders:read"], client_secret="s" * 40)
    return Api(make_token(save_client(tenant, entry).client))


def answered(response, name):
    assert response.status_code == 200, response.content
    body = json.loads(response.content, parse_float=Decimal)
    assert set(body) == {name}
    return body[name]


def report(supplier, event_type, timestamp="2026-11-20T10:00:00Z", **members):
    body = {"eventType": event_type, "payloadVersion": "1.0.0", "timestamp": timestamp, **members}
    return receive_report(supplier, body, header_type=event_type, correlation_id="corr-2")


def test_fulfilment_names_who_was_notified_fetched_and_reported_what(tenant, add_supplier, book, reader):
    beans, _, peas = add_supplier("beans", ["BEAN-*"]), add_supplier("nuts", ["NUT-*"]), add_supplier("peas", ["PEA-*"])
    book.apply(order("PEA-1", "BEAN-1", "BEAN-2", "OTHER"))
    part = SupplierPart.objects.get(supplier=beans)
    SupplierPart.objects.filter(pk=part.pk).update(fetched_at=datetime.now(UTC))
    report(beans, "order_status_updated", orderToken=part.token, status="packed")
    report(beans, "delivery_updated", orderToken=part.token, status="sent", carrier="DHL", trackingNumber="T1",
           trackingUrl="https://dhl.example/T1", expectedDate="2026-11-22")  # fmt: skip
    report(beans, "delivery_updated", orderToken=part.token, status="waiting")
    found = answered(reader.get(URL), "fulfilment")
    both = [{"itemId": "BEAN-1", "quantity": 2}, {"itemId": "BEAN-2", "quantity": 2}]
    silent = {"ordered": 2, "accepted": None, "rejected": None, "reason": None}
    assert found == {
        "suppliers": [
            {"supplierId": "beans", "items": ["BEAN-1", "BEAN-2"], "told": True, "fetched": True, "status": "packed",
             "deliveries": [
                 {"deliveryId": None, "status": "sent", "carrier": "DHL", "trackingNumber": "T1",
                  "trackingUrl": "https://dhl.example/T1", "expectedDate": "2026-11-22", "items": both},
                 {"deliveryId": None, "status": "waiting", "carrier": None, "trackingNumber": None,
                  "trackingUrl": None, "expectedDate": None, "items": both}],
             "lines": [silent | {"itemId": "BEAN-1", "delivered": 2}, silent | {"itemId": "BEAN-2", "delivered": 2}]},
            {"supplierId": "peas", "items": ["PEA-1"], "told": False, "fetched": False, "status": None,
             "deliveries": [], "lines": [silent | {"itemId": "PEA-1", "delivered": 0}]},
        ],
        "warehouses": [],
    }  # fmt: skip
    assert peas.slug == "peas"


def test_a_supplier_that_lost_its_lines_is_still_there(tenant, add_supplier, book, reader):
    add_supplier("beans", ["BEAN-*"])
    book.apply(order("BEAN-1"), order("PEA-1"))
    SupplierPart.objects.update(told_at=datetime.now(UTC))
    [entry] = answered(reader.get(URL), "fulfilment")["suppliers"]
    assert (entry["items"], entry["told"], entry["fetched"]) == ([], True, False)


def test_fulfilment_of_an_unknown_or_foreign_order_is_404(tenant, add_supplier, book, reader):
    book.apply(order("A"))
    assert reader.get(URL.replace("1001", "1002")).status_code == 404
    assert reader.get(URL.replace("store-1", "store-2")).status_code == 404
    other = Tenant.objects.create(slug="other", name="Other", mode="events")
    Order.objects.update(tenant=other)
    assert reader.get(URL).status_code == 404


def test_fulfilment_wants_its_scope_and_has_no_parameters(tenant, book, reader, make_client, make_token):
    book.apply(order("A"))
    writer = Api(make_token(make_client(tenant, "oms", scopes=["customer-orders:write"])))
    assert writer.get(URL).status_code == 403
    assert reader.get(f"{URL}?x=1").status_code == 400
    assert reader.put(URL, {}).status_code == 405


def test_stock_is_the_newest_of_every_supplier_in_the_order_asked_for(tenant, add_supplier, reader):
    beans, peas = add_supplier("beans", ["*"]), add_supplier("peas", ["*"])
    report(peas, "stock_updated", items=[{"itemId": "B", "available": 7, "expectedDate": "2026-12-01"}])
    report(
        beans, "stock_updated", items=[{"itemId": "A", "available": 1}, {"itemId": "B", "available": Decimal("2.50")}]
    )
    report(beans, "stock_updated", "2026-11-19T10:00:00Z", items=[{"itemId": "A", "available": 99}])
    entry = {"expectedDate": None, "reportedAt": "2026-11-20T10:00:00.000Z"}
    assert answered(reader.get("/api/v1/stock?itemId=B&itemId=A&itemId=none&itemId=B"), "stock") == [
        entry | {"itemId": "B", "supplierId": "beans", "available": Decimal("2.5")},
        entry | {"itemId": "B", "supplierId": "peas", "available": 7, "expectedDate": "2026-12-01"},
        entry | {"itemId": "A", "supplierId": "beans", "available": 1},
    ]


def test_stock_of_another_tenant_is_absent(tenant, add_supplier, reader):
    other = Tenant.objects.create(slug="other", name="Other", mode="events")
    report(add_supplier("beans", ["*"], of=other), "stock_updated", items=[{"itemId": "A", "available": 1}])
    assert answered(reader.get("/api/v1/stock?itemId=A"), "stock") == []


@pytest.mark.parametrize("query", ["", "?itemId=", "?itemId=A&x=1", "?itemId=%20A", "?itemId=A&itemId=%00",
                                   "?" + "itemId=A&" * 201])  # fmt: skip
def test_stock_wants_item_ids(tenant, reader, query):
    assert reader.get(f"/api/v1/stock{query}").status_code == 400
