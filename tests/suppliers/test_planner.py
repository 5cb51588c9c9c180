import json
import re

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from orders.integrations.channels import NotRequired, RequiredDelivery
from orders.models import TimelineEntry
from suppliers.models import Notice, OrderCase, SupplierPart
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db]
GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
CASE = {
    "uuid": "5f0c7f5e-7f0a-4f3c-8f6f-2c1b0a9d8e7f",
    "number": "CH1",
    "externalClaimId": "x",
    "token": "c.0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21",
    "caseType": "other",
}


def kinds(owed):
    return [one.kind if isinstance(one, RequiredDelivery) else one.because for one in owed]


def test_a_tenant_without_suppliers_costs_one_query_and_requires_nothing(book):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        from suppliers.webhooks.planner import SupplierPlanner

        planner = SupplierPlanner(book.tenant, [book.change(order("A")).key])
        assert planner.plan(book.change(order("B"))) == []
        planner.save()
    assert len(queries) == 1


def test_each_supplier_concerned_gets_its_own_event_and_token(book, add_supplier):
    beans, peas, rice = add_supplier("beans", ["BEAN-*"]), add_supplier("peas", ["PEA-*"]), add_supplier("rice", ["R*"])
    ((one, other, nothing),) = book.apply(order("BEAN-1", "PEA-1", "PEA-2"))
    assert [one.destination_id, other.destination_id] == [beans.webhook.destination_id, peas.webhook.destination_id]
    assert (one.kind, other.kind) == ("order_created", "order_created")
    assert nothing == NotRequired(rice.webhook.destination_id, "no line of the order is for this supplier")
    assert one.reference != other.reference
    for owed, supplier in ((one, beans), (other, peas)):
        event = json.loads(owed.payload)
        assert event["orderToken"] == owed.reference == SupplierPart.objects.get(supplier=supplier).token
        assert GUID.fullmatch(event["orderToken"])
        assert event["case"]["caseType"] == "contentClaim"
        assert event["case"]["number"] == "1001"
    assert json.loads(one.payload)["case"] == json.loads(other.payload)["case"]
    assert OrderCase.objects.count() == 1


def test_the_documents_own_case_is_used_and_none_is_minted(book, add_supplier):
    add_supplier("beans", ["*"])
    ((owed,),) = book.apply(order("A", case=CASE))
    event = json.loads(owed.payload)
    assert event["case"] == CASE
    assert event["correlationId"] == "0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21"
    assert not OrderCase.objects.exists()


def test_token_and_minted_case_never_change(book, add_supplier):
    add_supplier("beans", ["*"])
    payloads = [json.loads(owed[0].payload) for owed in book.apply(order("A"), order("B"))]
    payloads.append(json.loads(book.apply(order("A", status="CANCELLED"))[0][0].payload))
    assert [event["eventType"] for event in payloads] == ["order_created", "order_updated", "order_cancelled"]
    assert len({event["orderToken"] for event in payloads}) == 1
    assert len({json.dumps(event["case"]) for event in payloads}) == 1
    assert SupplierPart.objects.count() == OrderCase.objects.count() == 1


def test_the_same_order_id_in_another_business_unit_is_another_order(book, add_supplier):
    add_supplier("beans", ["*"])
    ((one,),) = book.apply(order("A"), unit="store-1")
    ((other,),) = book.apply(order("A"), unit="store-2")
    assert (one.kind, other.kind) == ("order_created", "order_created")
    assert one.reference != other.reference
    assert json.loads(one.payload)["case"]["token"] != json.loads(other.payload)["case"]["token"]


@pytest.mark.parametrize("status", ["CANCELLED", "FULFILLED"])
def test_a_closed_order_nobody_was_notified_of_requires_nothing_and_mints_nothing(book, add_supplier, status):
    add_supplier("beans", ["*"])
    assert kinds(book.apply(order("A", status=status))[0]) == [
        f"the order was {status} before the supplier was notified of it"
    ]
    assert not SupplierPart.objects.exists()
    assert not OrderCase.objects.exists()
    assert kinds(book.apply(order("A"))[0]) == ["order_created"]


def test_the_timeline_of_one_order_in_one_batch_and_in_many(book, add_supplier):
    add_supplier("beans", ["BEAN-*"])
    story = [
        (order("PEA-1"), "no line of the order is for this supplier"),
        (order("BEAN-1", "PEA-1"), "order_created"),
        (order("BEAN-1", "PEA-2"), "nothing that the supplier may read has changed"),
        (order("BEAN-1", minimumDownPaymentAmount=5), "nothing that the supplier may read has changed"),
        (order("BEAN-1", status="FULFILLED"), "order_updated"),
        (order("BEAN-2"), "order_updated"),
        (order("PEA-1"), "order_cancelled"),
        (order("PEA-1", isLocked=True), "nothing that the supplier may read has changed"),
        (order("BEAN-2"), "order_updated"),
        (order("BEAN-2", status="CANCELLED"), "order_cancelled"),
        (order("BEAN-2", status="CANCELLED", currencyId="DKK"), "order_updated"),
        (order("BEAN-2", status="IN_PROGRESS"), "order_updated"),
    ]
    expected = [[what] for _, what in story]
    assert [kinds(owed) for owed in book.apply(*[document for document, _ in story])] == expected
    again = [document | {"customerOrderId": "1002"} for document, _ in story]
    assert [kinds(book.apply(document)[0]) for document in again] == expected


def test_a_supplier_that_does_not_subscribe_is_not_notified_and_stays_where_it_was(book, add_supplier):
    add_supplier("beans", ["*"], events=["order_created"])
    assert kinds(book.apply(order("A"))[0]) == ["order_created"]
    assert kinds(book.apply(order("B"))[0]) == ["the supplier does not subscribe to order_updated"]
    digest = SupplierPart.objects.get().owed_digest
    assert kinds(book.apply(order("A"))[0]) == ["nothing that the supplier may read has changed"]
    assert SupplierPart.objects.get().owed_digest == digest
    assert Notice.objects.count() == 1


def test_a_stopped_supplier_keeps_its_lines(book, add_supplier):
    beans = add_supplier("beans", ["*"])
    add_supplier("late", ["*"])
    beans.active = False
    beans.save()
    assert kinds(book.apply(order("A"))[0]) == ["order_created", "no line of the order is for this supplier"]


def test_every_event_is_kept_as_a_notice_in_the_same_bytes(book, add_supplier):
    add_supplier("beans", ["BEAN-*"])
    pull = add_supplier("peas", ["PEA-*"], url=None)
    ((owed,),) = book.apply(order("BEAN-1", "PEA-1"))
    told, asked = Notice.objects.order_by("part__supplier__position")
    assert (told.body, told.event_type, told.sequence, told.position) == (owed.payload, "order_created", 1, None)
    assert asked.supplier == pull
    assert json.loads(asked.body)["orderToken"] == SupplierPart.objects.get(supplier=pull).token
    (line,) = TimelineEntry.objects.all()
    assert line.what == "order_created ready for Peas to receive"


def test_lines_without_a_supplier_are_on_the_timeline_once(book, add_supplier):
    add_supplier("beans", ["BEAN-*"])
    book.apply(order("BEAN-1", "X", "Y"), order("BEAN-1", "X", "Y", isLocked=True), order("BEAN-1", "X"))
    assert list(TimelineEntry.objects.order_by("pk").values_list("what", "detail")) == [
        ("No supplier for 2 item(s)", "No supplier's pattern matches X, Y."),
        ("No supplier for 1 item(s)", "No supplier's pattern matches X."),
    ]


@pytest.mark.parametrize("orders", [1, 12])
def test_a_batch_costs_the_same_queries_whatever_its_size(book, add_supplier, orders):
    from suppliers.webhooks.planner import SupplierPlanner

    for number in range(3):
        add_supplier(f"s{number}", [f"{number}*"])
    documents = [order("0", "1", "2", order_id=f"o{number}") for number in range(orders)]
    changes = [book.change(document) for document in documents]
    with CaptureQueriesContext(connection) as queries:
        planner = SupplierPlanner(book.tenant, [change.key for change in changes])
        for change in changes:
            planner.plan(change)
        planner.save()
    statements = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) <= 6
    assert SupplierPart.objects.count() == 3 * orders


def test_a_part_cannot_be_made_twice_for_one_order(book, add_supplier):
    add_supplier("beans", ["*"])
    book.apply(order("A"))
    part = SupplierPart.objects.get()
    part.pk, part.order_token = None, "11111111-2222-4333-8444-555555555555"
    part._state.adding = True
    with (
        pytest.raises(IntegrityError, match=r"supplier_part_unique_per_order|suppliers_supplierpart\."),
        transaction.atomic(),
    ):
        part.save()
