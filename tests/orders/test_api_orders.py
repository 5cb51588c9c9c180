"""docs/reference/api.md#operations: PUT and GET of an order, ETag, search."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from orders.models import Order, OrderEvent, OrderQueue
from tests.bodies import body
from tests.orders.test_api_checks import problem

pytestmark = [pytest.mark.django_db, pytest.mark.both]

UNIT = "/api/v1/business-units/store-1"
ORDER = f"{UNIT}/customer-orders/1001"
SEARCH = f"{UNIT}/customer-orders:search"


def test_put_answers_202_with_the_event_and_where_to_ask_for_it(api):
    first, second = api.put(ORDER, body()), api.put(ORDER, body())
    event = OrderEvent.objects.get(sequence=1)
    assert (first.status_code, first["Content-Type"]) == (202, "application/json")
    assert json.loads(first.content) == {"eventId": str(event.pk), "sequence": 1, "status": "pending", "warnings": []}
    assert first["Location"] == f"/api/v1/order-events/{event.pk}"
    assert json.loads(second.content)["sequence"] == 2
    assert first["Cache-Control"] == "no-store"


def test_get_answers_the_document_with_the_digits_it_came_with(api, apply_all):
    api.put(ORDER, body(price="19.90"))
    apply_all()
    got = api.get(ORDER)
    assert (got.status_code, got["Content-Type"], got["Orderhub-Sequence"]) == (200, "application/json", "1")
    assert got.content == body(price="19.90").replace(b": ", b":").replace(b", ", b",")


def test_an_order_that_is_only_accepted_is_not_there_yet(api):
    api.put(ORDER, body())
    problem(api.get(ORDER), "unknown-order", 404)


def test_an_etag_spares_the_body_until_the_order_changes(api, apply_all):
    api.put(ORDER, body())
    apply_all()
    tag = api.get(ORDER)["ETag"]
    assert tag.startswith('"')
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = api.get(ORDER, headers={"If-None-Match": given})
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
        assert same["Orderhub-Sequence"] == "1"
    assert api.get(ORDER, headers={"If-None-Match": tag[:-2] + '"'}).status_code == 200
    api.put(ORDER, body(status="FULFILLED"))
    apply_all()
    changed = api.get(ORDER, headers={"If-None-Match": tag})
    assert (changed.status_code, changed["Orderhub-Sequence"]) == (200, "2")
    assert changed["ETag"] != tag


def test_a_repeat_that_changed_nothing_counts_in_the_sequence_and_keeps_the_etag(api, apply_all):
    api.put(ORDER, body())
    apply_all()
    tag = api.get(ORDER)["ETag"]
    api.put(ORDER, body())
    apply_all()
    again = api.get(ORDER)
    assert (again["ETag"], again["Orderhub-Sequence"]) == (tag, "2")


WRONG = {
    b"": "",
    b"{": "",
    b"nonsense": "",
    b"[]": "",
    b"null": "",
    b"{}": "/customerOrder",
    b'{"customerOrder": null}': "/customerOrder",
    b'{"customerOrder": []}': "/customerOrder",
    b'\xff\xfe{"customerOrder": {}}': "",
    b'{"customerOrder": {}, "customerOrder": {}}': "/customerOrder",
    body().replace(b"19.90", b'"19.90"'): "/customerOrder/items/0/unitPrice",
    body().replace(b"19.90", b"NaN"): "",
    body().replace(b"19.90", b"Infinity"): "",
    body().replace(b"19.90", b"1e999999999"): "/customerOrder/items/0/unitPrice",
    body().replace(b"19.90", b"9" * 400): "/customerOrder/items/0/unitPrice",
    body().replace(b"19.90", b"true"): "/customerOrder/items/0/unitPrice",
    body().replace(b'"status": "CREATED", ', b""): "/customerOrder/status",
    body().replace(b'"status"', b'"statsu"'): "/customerOrder/statsu",
    body().replace(b"CREATED", b"\\u0000"): "/customerOrder/status",
    body().replace(b"CREATED", b"\\ud800"): "",
    body() + b"x": "",
    b'{"customerOrder":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}": "",
    b"[" * 100_000: "",
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong[:40].decode("latin-1"))
def test_wrong_json_of_any_kind_is_400_with_a_pointer_and_writes_no_row(api, wrong):
    found = problem(api.put(ORDER, wrong), "invalid-body", 400)
    if wrong:
        assert found["errors"]
        assert any(error["pointer"].startswith(WRONG[wrong]) for error in found["errors"]), found["errors"]
    assert not OrderQueue.objects.exists()
    assert not OrderEvent.objects.exists()


def test_all_faults_of_a_body_come_at_once(api):
    wrong = {"customerOrder": {"customerOrderId": 5, "customerId": "c", "status": "", "items": {}, "extra": 1}}
    found = problem(api.put(ORDER, wrong), "invalid-body", 400)
    pointers = {error["pointer"] for error in found["errors"]}
    assert pointers == {f"/customerOrder/{name}" for name in ("customerOrderId", "status", "items", "extra")}


def test_a_wrong_put_changes_nothing_of_an_order_that_is_there(api, apply_all):
    api.put(ORDER, body())
    apply_all()
    before = api.get(ORDER).content
    problem(api.put(ORDER, body().replace(b"19.90", b'"x"')), "invalid-body", 400)
    apply_all()
    assert api.get(ORDER).content == before
    assert OrderQueue.objects.get().last_sequence == 1


# --- search ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stock(api, apply_all):
    """Five orders, received one after the other, two of them of one customer."""
    for number, (customer, status, item) in enumerate(
        [
            ("c-1", "CREATED", "A"),
            ("c-2", "CREATED", "B"),
            ("c-1", "CANCELLED", "A"),
            ("c-3", "X", "C"),
            ("c-1", "X", "B"),
        ]
    ):
        order_id = f"100{number}"
        api.put(f"{UNIT}/customer-orders/{order_id}", body(order_id, customer=customer, status=status, item=item))
    apply_all()
    start = datetime(2026, 11, 20, 10, tzinfo=UTC)
    for number in range(5):
        at = start + timedelta(hours=number)
        order = Order.objects.filter(customer_order_id=f"100{number}")
        order.update(received_at=at, updated_at=at, placed_at=at)


def ids(response):
    assert response.status_code == 200, response.content
    return [order["customerOrderId"] for order in json.loads(response.content)["customerOrders"]]


def test_an_empty_search_is_all_newest_reception_first(api, stock):
    response = api.post(SEARCH, {})
    assert ids(response) == ["1004", "1003", "1002", "1001", "1000"]
    found = json.loads(response.content)
    assert found["customerOrders"][0] == {"customerOrderId": "1004", "customerId": "c-1", "status": "X"}
    assert found["page"] == {"skip": 0, "take": 50, "hasMore": False}


@pytest.mark.parametrize(
    ("criteria", "wanted"),
    [
        ({"customerId": "c-1"}, ["1004", "1002", "1000"]),
        ({"customerId": "C-1"}, []),
        ({"customerId": "c-1", "status": "X"}, ["1004"]),
        ({"customerOrderId": "1003"}, ["1003"]),
        ({"itemId": "B"}, ["1004", "1001"]),
        ({"itemId": "b"}, []),
        ({"itemId": "%"}, []),
        ({"status": "CREATED", "itemId": "A"}, ["1000"]),
        ({"placedFrom": "2026-11-20T12:00:00Z"}, ["1004", "1003", "1002"]),
        ({"placedTo": "2026-11-20T12:00:00Z"}, ["1001", "1000"]),
        ({"updatedFrom": "2026-11-20T12:00:00+01:00", "updatedTo": "2026-11-20T13:00:00Z"}, ["1002", "1001"]),
        ({"placedFrom": "2026-11-20T13:00:00Z", "placedTo": "2026-11-20T12:00:00Z"}, []),
    ],
)
def test_criteria_are_exact_and_joined_by_and(api, stock, criteria, wanted):
    assert ids(api.post(SEARCH, criteria)) == wanted


def test_search_pages_by_skip_and_take(api, stock):
    for skip, take, wanted, more in (
        (0, 2, ["1004", "1003"], True),
        (2, 2, ["1002", "1001"], True),
        (4, 2, ["1000"], False),
        (3, 2, ["1001", "1000"], False),
        (9, 1, [], False),
    ):
        response = api.post(f"{SEARCH}?skip={skip}&take={take}", {})
        assert ids(response) == wanted
        assert json.loads(response.content)["page"] == {"skip": skip, "take": take, "hasMore": more}
    assert ids(api.post(f"{SEARCH}?take=200&skip=9007199254740992", {})) == []


@pytest.mark.parametrize(
    "query",
    ["skip=-1", "skip=x", "skip=", "skip=1.0", "take=0", "take=201", "take=+1", "take=1&take=2", "page=1",
     "skip=%D9%A3", "take=%00", "skip=9007199254740993", "Take=1", "=", "take=1%20"],
)  # fmt: skip
def test_a_wrong_page_is_400_naming_the_parameter(api, query):
    found = problem(api.post(f"{SEARCH}?{query}", {}), "invalid-parameter", 400)
    assert [error["pointer"] for error in found["errors"]] == [f"/{query.partition('=')[0]}"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"customer": "c"}, "/customer"),
        ({"customerId": 1}, "/customerId"),
        ({"customerId": None}, "/customerId"),
        ({"customerId": ""}, "/customerId"),
        ({"customerId": "x" * 129}, "/customerId"),
        ({"status": ["X"]}, "/status"),
        ({"placedFrom": "2026-11-20"}, "/placedFrom"),
        ({"placedFrom": "2026-11-20T10:00:00"}, "/placedFrom"),
        ({"updatedTo": 1}, "/updatedTo"),
        ([], ""),
        ("x", ""),
        (b"", ""),
        (b"{", ""),
        (b'{"customerId": "a", "customerId": "b"}', "/customerId"),
    ],
)
def test_a_wrong_search_is_400_naming_the_member(api, wrong, pointer):
    found = problem(api.post(SEARCH, wrong), "invalid-body", 400)
    assert wrong == b"" or [error["pointer"] for error in found["errors"]] == [pointer]


def test_search_sees_one_business_unit(api, stock):
    assert ids(api.post("/api/v1/business-units/store-2/customer-orders:search", {})) == []


@pytest.mark.parametrize("query", ["x=1", "skip=1"])
def test_get_takes_no_query(api, query):
    problem(api.get(f"{ORDER}?{query}"), "invalid-parameter", 400)


def sent(api, status, **headers):
    return api.put(ORDER, body(status=status), headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_a_put_with_the_stored_orders_etag_is_accepted(api, apply_all):
    api.put(ORDER, body())
    apply_all()
    for status, given in enumerate(("{tag}", '"other", {tag}', "*")):
        tag = api.get(ORDER)["ETag"]
        assert sent(api, f"S{status}", If_Match=given.format(tag=tag)).status_code == 202
        apply_all()
    assert json.loads(api.get(ORDER).content)["customerOrder"]["status"] == "S2"


@pytest.mark.parametrize("given", ['"other"', "W/{tag}", '""', '"a", "b"'])
def test_a_put_made_from_another_state_is_412_and_stores_nothing(api, apply_all, given):
    api.put(ORDER, body())
    apply_all()
    tag = api.get(ORDER)["ETag"]
    refused = sent(api, "NEW", If_Match=given.format(tag=tag))
    problem(refused, "precondition-failed", 412)
    assert refused["ETag"] == tag
    assert OrderEvent.objects.count() == 1


def test_a_put_with_an_etag_is_412_while_an_accepted_event_waits(api, apply_all):
    api.put(ORDER, body())
    apply_all()
    tag = api.get(ORDER)["ETag"]
    assert sent(api, "A", If_Match=tag).status_code == 202
    problem(sent(api, "B", If_Match=tag), "precondition-failed", 412)
    assert sent(api, "C", If_Match="*").status_code == 202
    apply_all()
    assert json.loads(api.get(ORDER).content)["customerOrder"]["status"] == "C"


def test_a_put_of_an_order_that_is_not_stored_matches_no_etag(api):
    for given in ("*", '"any"'):
        refused = sent(api, "NEW", If_Match=given)
        problem(refused, "precondition-failed", 412)
        assert "ETag" not in refused
    assert (OrderEvent.objects.count(), OrderQueue.objects.count()) == (0, 0)


def test_if_none_match_accepts_the_first_event_only(api, apply_all):
    assert sent(api, "NEW", If_None_Match="*").status_code == 202
    problem(sent(api, "NEW", If_None_Match="*"), "precondition-failed", 412)
    apply_all()
    refused = sent(api, "NEW", If_None_Match=" * ")
    problem(refused, "precondition-failed", 412)
    assert refused["ETag"] == api.get(ORDER)["ETag"]
    problem(sent(api, "NEW", If_None_Match="*", If_Match="*"), "precondition-failed", 412)
    assert OrderEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("If-Match", "5f2b"), ("If-Match", ""), ("If-Match", '"a" "b"'), ("If-None-Match", '"a"'), ("If-None-Match", "")],
)
def test_a_condition_that_cannot_be_read_is_refused(api, name, value):
    refused = api.put(ORDER, body(), headers={name: value})
    assert problem(refused, "invalid-parameter", 400)["errors"][0]["pointer"] == f"/{name}"
    assert OrderEvent.objects.count() == 0


def test_a_byte_order_mark_before_a_body_is_passed_over(api, apply_all):
    assert api.put(ORDER, b"\xef\xbb\xbf" + body()).status_code == 202
    assert api.post(SEARCH, b"\xef\xbb\xbf{}").status_code == 200
    apply_all()
    assert api.get(ORDER).status_code == 200
    assert OrderEvent.objects.get().payload.startswith("{")
