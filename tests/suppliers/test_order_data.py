import json
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Tenant, TimelineEntry
from suppliers.models import SupplierPart
from tests.suppliers.conftest import order

pytestmark = [pytest.mark.both, pytest.mark.django_db, pytest.mark.urls("suppliers.urls")]


def get(headers, **query):
    return Client().get("/api/Orders", query, headers=headers)


@pytest.fixture
def part(book, add_supplier):
    add_supplier("beans", ["BEAN-*"])
    add_supplier("peas", ["PEA-*"])
    book.apply(order("BEAN-1", "PEA-1", currencyId="DKK"))
    return SupplierPart.objects.get(supplier__slug="beans")


def test_a_supplier_reads_its_part_with_every_digit(book, part, token):
    document = order("BEAN-1", "PEA-1")
    document["items"][0] |= {"quantityOrdered": 3, "unitPrice": Decimal("19.90")}
    book.apply(document)
    answer = get(token(part.supplier.api_client), ExternalId=part.token)
    assert answer.status_code == 200
    assert b'"unitPrice":19.90,"totalPrice":59.70' in answer.content
    body = answer.json()
    assert [item["itemId"] for item in body["items"]] == ["BEAN-1"]
    assert body["orderToken"] == part.token
    assert body["supplierStatus"] is None
    assert body["case"]["number"] == "1001"
    assert "customerId" not in body


def test_the_case_of_the_answer_is_the_case_of_the_event(book, add_supplier, token):
    supplier = add_supplier("beans", ["*"])
    ((owed,),) = book.apply(order("A"))
    body = get(token(supplier.api_client), ExternalId=owed.reference).json()
    assert body["case"] == json.loads(owed.payload)["case"]


def test_a_line_that_an_earlier_supplier_takes_is_not_read_by_a_later_one(book, add_supplier, token):
    add_supplier("beans", ["BEAN-*"])
    rest = add_supplier("rest", ["*"])
    add_supplier("late", ["MUG-*"])
    book.apply(order("BEAN-1", "MUG-1"))
    part = SupplierPart.objects.get(supplier=rest)
    body = get(token(rest.api_client), ExternalId=part.token).json()
    assert [item["itemId"] for item in body["items"]] == ["MUG-1"]


@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_tokens_are_compared_without_case(part, token, spelling):
    assert get(token(part.supplier.api_client), ExternalId=spelling(part.token)).status_code == 200


def test_another_suppliers_token_is_as_unknown_as_any(part, add_supplier, token):
    other_tenant = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    foreign = [
        add_supplier("rice", ["*"]),
        add_supplier("bolt-beans", ["*"], of=other_tenant),
    ]
    answers = [get(token(supplier.api_client), ExternalId=part.token) for supplier in foreign]
    answers.append(
        get(token(foreign[0].api_client, "supplier-orders:read"), ExternalId="11111111-2222-4333-8444-555555555555")
    )
    answers += [
        get({"Authorization": "Bearer token-rice-supplier-orders:read"}, ExternalId=text)
        for text in ("x", "{" + part.token + "}", part.token.replace("-", ""), "é")
    ]
    bodies = [{name: value for name, value in answer.json().items() if name != "correlationId"} for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert bodies == [bodies[0]] * len(bodies)
    assert bodies[0]["type"] == "urn:orderhub:problem:unknown-order"
    assert SupplierPart.objects.get(pk=part.pk).fetches == 0


@pytest.mark.parametrize("query", [{}, {"ExternalId": ""}, {"externalId": "x"}])
def test_without_external_id_it_is_400(part, token, query):
    answer = get(token(part.supplier.api_client), **query)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:orderhub:problem:invalid-parameter"


def test_a_token_without_the_scope_is_403_and_none_401(part, token):
    assert get(token(part.supplier.api_client, "events"), ExternalId=part.token).status_code == 403
    assert get({}, ExternalId=part.token).status_code == 401


def test_no_line_left_is_an_empty_list(book, part, token):
    book.apply(order("PEA-1"))
    body = get(token(part.supplier.api_client), ExternalId=part.token).json()
    assert (body["items"], body["totalPrice"]) == ([], 0)


def test_the_etag_spares_the_body_until_something_changes(book, part, token):
    headers = token(part.supplier.api_client)
    first = get(headers, ExternalId=part.token)
    same = get(headers | {"If-None-Match": first.headers["ETag"]}, ExternalId=part.token)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "Content-Type" not in same.headers
    book.apply(order("BEAN-1", "BEAN-2"))
    changed = get(headers | {"If-None-Match": first.headers["ETag"]}, ExternalId=part.token)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_each_fetch_is_on_record(part, token):
    SupplierPart.objects.update(unfetched_since=timezone.now())
    headers = token(part.supplier.api_client)
    first = get(headers | {"Correlation-Id": "look-1"}, ExternalId=part.token)
    get(headers | {"If-None-Match": first.headers["ETag"]}, ExternalId=part.token)
    part.refresh_from_db()
    assert (part.fetches, part.unfetched_since) == (2, None)
    assert part.fetched_at is not None
    assert SupplierPart.objects.get(supplier__slug="peas").unfetched_since is not None
    lines = TimelineEntry.objects.order_by("pk")
    assert [line.what for line in lines] == ["Beans fetched the order data"] * 2
    assert lines[0].reference == part.token


def test_a_stopped_suppliers_token_is_refused(part, token):
    headers = token(part.supplier.api_client)
    client = part.supplier.api_client
    client.active = False
    client.save()
    assert get(headers, ExternalId=part.token).status_code == 401
