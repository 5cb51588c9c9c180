"""A supplier's partial delivery can be read back line by line (docs/reference/api.md#fulfilment-and-stock)."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from orders.access.clients import ClientEntry, save_client
from orders.models import TimelineEntry
from orders.values.problems import InvalidBody
from suppliers.attention import problems
from suppliers.models import PartDelivery, SupplierEvent, SupplierPart
from suppliers.reports.recording import receive_report
from tests.api_fixtures import Api
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db]
URL = "/api/v1/business-units/store-1/customer-orders/1001/fulfilment"


@pytest.fixture
def reader(tenant, make_token):
    entry = ClientEntry(client_id="till", scopes=["customer-orders:read"], client_secret="s" * 40)
    return Api(make_token(save_client(tenant, entry).client))


@pytest.fixture
def part(add_supplier, book):
    add_supplier("beans", ["*"])
    document = order("BEAN-1", "BEAN-2")
    document["items"][0]["quantityOrdered"] = 5
    book.apply(document)
    return SupplierPart.objects.get()


def report(part, event_type, minute=0, **members):
    timestamp = f"2026-11-20T10:{minute:02}:00Z"
    body = {"eventType": event_type, "payloadVersion": "1.0.0", "timestamp": timestamp, "orderToken": part.token}
    receive_report(part.supplier, body | members, header_type=event_type, correlation_id="corr-2")


def delivered(part, minute=0, **members):
    report(part, "delivery_updated", minute, **({"status": "sent"} | members))


def stated(part, *items, minute=0):
    report(part, "order_status_updated", minute, status="partly", items=list(items))


def read(reader):
    found = json.loads(reader.get(URL).content, parse_float=Decimal)["fulfilment"]["suppliers"]
    (entry,) = found
    lines = {line.pop("itemId"): line for line in entry["lines"]}
    return lines, entry["deliveries"]


def test_a_partial_delivery_is_read_back_with_its_quantities(part, reader):
    delivered(part, deliveryId="P1", items=[{"itemId": "BEAN-1", "quantity": Decimal("2.50")}, {"itemId": "BEAN-2"}])
    lines, [parcel] = read(reader)
    assert parcel["deliveryId"] == "P1"
    assert parcel["items"] == [{"itemId": "BEAN-1", "quantity": Decimal("2.50")}, {"itemId": "BEAN-2", "quantity": 2}]
    assert (lines["BEAN-1"]["ordered"], lines["BEAN-1"]["delivered"]) == (5, Decimal("2.50"))
    assert (lines["BEAN-2"]["ordered"], lines["BEAN-2"]["delivered"]) == (2, 2)


def test_several_parcels_add_up_and_none_overwrites_another(part, reader):
    delivered(part, deliveryId="P1", trackingNumber="T", items=[{"itemId": "BEAN-1", "quantity": 2}])
    delivered(part, deliveryId="P2", trackingNumber="T", items=[{"itemId": "BEAN-1", "quantity": 1}])
    delivered(part, trackingNumber="U", items=[{"itemId": "BEAN-1", "quantity": 1}])
    lines, parcels = read(reader)
    assert [(one["deliveryId"], one["trackingNumber"]) for one in parcels] == [("P1", "T"), ("P2", "T"), (None, "U")]
    assert lines["BEAN-1"]["delivered"] == 4


def test_a_parcel_is_known_again_by_its_id_then_by_its_tracking_number(part, reader):
    delivered(part, trackingNumber="T")
    delivered(part, 1, deliveryId="P1", trackingNumber="T", status="moved")
    delivered(part, 2, deliveryId="P1", status="arrived")
    delivered(part, 1, deliveryId="P1", status="stale")
    _, [parcel] = read(reader)
    assert (parcel["deliveryId"], parcel["trackingNumber"], parcel["status"]) == ("P1", "T", "arrived")


def test_a_later_report_without_items_leaves_those_of_the_parcel(part, reader):
    delivered(part, deliveryId="P1", items=[{"itemId": "BEAN-1", "quantity": 2}])
    delivered(part, 1, deliveryId="P1", status="arrived")
    lines, [parcel] = read(reader)
    assert (parcel["status"], parcel["items"]) == ("arrived", [{"itemId": "BEAN-1", "quantity": 2}])
    assert lines["BEAN-2"]["delivered"] == 0


def test_a_whole_delivery_beside_a_part_makes_no_more_than_was_ordered(part, reader):
    delivered(part, deliveryId="P1", items=[{"itemId": "BEAN-1", "quantity": 2}])
    delivered(part, deliveryId="P2")
    lines, _ = read(reader)
    assert lines["BEAN-1"]["delivered"] == 5


def test_accepted_and_rejected_quantities_stand_beside_what_was_ordered(part, reader):
    stated(
        part,
        {"itemId": "BEAN-1", "status": "accepted", "quantity": 3},
        {"itemId": "BEAN-1", "status": "rejected", "quantity": 2, "reason": "out of stock"},
    )
    lines, _ = read(reader)
    assert lines["BEAN-1"] == {"ordered": 5, "accepted": 3, "rejected": 2, "delivered": 0, "reason": "out of stock"}
    assert lines["BEAN-2"] == {"ordered": 2, "accepted": None, "rejected": None, "delivered": 0, "reason": None}
    detail = TimelineEntry.objects.filter(what__contains="order status").get().detail
    assert "accepted 3 of BEAN-1, rejected 2 of BEAN-1 (out of stock)" in detail


def test_a_newer_report_replaces_the_items_that_it_names_and_an_older_one_none(part, reader):
    stated(part, {"itemId": "BEAN-1", "status": "rejected"}, {"itemId": "BEAN-2", "status": "accepted"})
    stated(part, {"itemId": "BEAN-1", "status": "accepted"}, minute=5)
    stated(part, {"itemId": "BEAN-2", "status": "rejected"}, minute=2)
    lines, _ = read(reader)
    assert [(lines[name]["accepted"], lines[name]["rejected"]) for name in ("BEAN-1", "BEAN-2")] == [(5, 0), (2, 0)]


def test_items_that_the_order_lost_are_still_read_back(part, book, reader):
    delivered(part, items=[{"itemId": "BEAN-1", "quantity": 2}])
    book.apply(order("BEAN-2"))
    lines, [parcel] = read(reader)
    assert (lines["BEAN-1"]["ordered"], lines["BEAN-1"]["delivered"]) == (0, 2)
    assert parcel["items"] == [{"itemId": "BEAN-1", "quantity": 2}]


def rejections(part):
    return [one for one in problems(part.tenant_id) if "rejected lines" in str(one)]


def test_a_rejected_line_needs_attention_until_it_is_settled(part, book):
    assert not rejections(part)
    stated(part, {"itemId": "BEAN-1", "status": "rejected"})
    assert len(rejections(part)) == 1
    book.apply(order("BEAN-2"))
    assert not rejections(part)


def test_a_rejection_is_shown_for_a_week_and_a_newer_acceptance_settles_it(part):
    stated(part, {"itemId": "BEAN-1", "status": "rejected"})
    created = SupplierPart.objects.get().created_at
    SupplierPart.objects.update(rejected_at=created - timedelta(days=8))
    assert not rejections(part)
    SupplierPart.objects.update(rejected_at=created)
    stated(part, {"itemId": "BEAN-1", "status": "accepted"}, minute=1)
    assert not rejections(part)


def test_members_that_are_not_known_inside_items_are_noted(part):
    delivered(part, items=[{"itemId": "BEAN-1", "qty": 2}, "BEAN-2"])
    assert SupplierEvent.objects.get().ignored == ["items[].qty"]
    assert json.loads(PartDelivery.objects.get().items)[1] == {"itemId": "BEAN-2", "quantity": None}


@pytest.mark.parametrize("wrong", [{"status": "lost"}, {"status": "accepted", "quantity": "2"}])
def test_a_line_report_of_a_wrong_shape_is_refused(part, wrong):
    with pytest.raises(InvalidBody):
        stated(part, {"itemId": "A"} | wrong)
    assert not SupplierEvent.objects.exists()
