"""docs/reference/api.md#ids: every odd id survives both ways, every wrong one is 400 before anything is written."""

import json
from urllib.parse import quote

import pytest

from orders.models import Order, OrderQueue
from tests.bodies import body

pytestmark = [pytest.mark.django_db, pytest.mark.both]

ODD = [
    "1001", "a/b", "/", "//", "100%", "%2F", "%252F", "a:b", ":search", "customer-orders:search", "a b", "æøå",
    "日本語", "🫘", "e\u0301", "a;b=c", "a?b#c", "a&b=c", "a+b", "'\"\\<>", "{id}", "...", ".a", "a.", "~", "x" * 128,
    "æ" * 128, "\u200b", "\u202e1", "-", "$(id)", "\ufeff1", "1001:retry", "\ufffd",
]  # fmt: skip
WRONG = {
    "": "is not empty",
    ".": '"." or ".."',
    "..": '"." or ".."',
    " a": "leading or trailing blank",
    "a ": "leading or trailing blank",
    "\u00a0a": "leading or trailing blank",
    "a\x00b": "control characters",
    "a\nb": "control characters",
    "a\x7f": "control characters",
    "a\x85b": "control characters",
    "x" * 129: "at most 128 characters",
}
MALFORMED = ["%FF", "%C3", "a%ED%A0%80", "%F5%80%80%80", "%80"]


def order_at(order_id, unit="store-1"):
    return f"/api/v1/business-units/{quote(unit, safe='')}/customer-orders/{quote(order_id, safe='')}"


@pytest.mark.parametrize("order_id", ODD)
def test_an_odd_order_id_survives_both_ways(api, apply_all, order_id):
    put = api.put(order_at(order_id), body(order_id))
    assert put.status_code == 202, put.content
    apply_all()
    got = api.get(order_at(order_id))
    assert got.status_code == 200
    assert json.loads(got.content)["customerOrder"]["customerOrderId"] == order_id
    assert Order.objects.get().customer_order_id == order_id
    event = json.loads(api.get(put["Location"]).content)
    assert event["customerOrderId"] == order_id
    listed = api.get(f"/api/v1/order-events?customerOrderId={quote(order_id, safe='')}")
    assert [found["eventId"] for found in json.loads(listed.content)["orderEvents"]] == [event["eventId"]]


@pytest.mark.parametrize("unit", ODD)
def test_an_odd_business_unit_survives_both_ways(api, apply_all, unit):
    assert api.put(order_at("1001", unit), body()).status_code == 202
    apply_all()
    assert api.get(order_at("1001", unit)).status_code == 200
    assert Order.objects.get().business_unit_id == unit
    found = api.post(f"/api/v1/business-units/{quote(unit, safe='')}/customer-orders:search", {})
    assert [order["customerOrderId"] for order in json.loads(found.content)["customerOrders"]] == ["1001"]


@pytest.mark.parametrize("order_id", ["a/b", "a b", "æ", "a:b", "1001"])
def test_an_id_is_decoded_exactly_once_however_it_is_written(api, apply_all, order_id):
    lower = quote(order_id, safe="").replace("%2F", "%2f").replace("%3A", ":")
    everything = "".join(f"%{byte:02X}" for byte in order_id.encode())
    base = "/api/v1/business-units/store-1/customer-orders/"
    assert api.put(base + lower, body(order_id)).status_code == 202
    apply_all()
    assert api.get(base + everything).status_code == 200


def test_a_business_unit_bound_token_is_bound_to_the_decoded_unit(acme, sign_in):
    bound = sign_in(acme, business_units=["a/b"])
    assert bound.put(order_at("1001", "a/b"), body()).status_code == 202
    assert bound.put("/api/v1/business-units/a%252Fb/customer-orders/1001", body()).status_code == 403


def faults(response):
    assert response.status_code == 400, response.content
    found = json.loads(response.content)
    assert found["type"] == "urn:orderhub:problem:invalid-id"
    return {error["pointer"]: error["detail"] for error in found["errors"]}


@pytest.mark.parametrize(("wrong", "reason"), [item for item in WRONG.items() if item[0]])
def test_a_wrong_id_is_400_naming_its_place_and_writes_nothing(api, wrong, reason):
    assert reason in faults(api.put(order_at(wrong), body()))["/customerOrderId"]
    assert reason in faults(api.put(order_at("1001", wrong), body()))["/businessUnitId"]
    assert set(faults(api.get(order_at(wrong, wrong)))) == {"/businessUnitId", "/customerOrderId"}
    search = f"/api/v1/business-units/{quote(wrong, safe='')}/customer-orders:search"
    assert set(faults(api.post(search, {}))) == {"/businessUnitId"}
    assert not OrderQueue.objects.exists()


@pytest.mark.parametrize("segment", MALFORMED)
def test_an_id_that_is_no_utf8_is_400(api, segment):
    base = "/api/v1/business-units/store-1/customer-orders/"
    assert "UTF-8" in faults(api.get(base + segment))["/customerOrderId"]
    assert "UTF-8" in faults(api.get(f"/api/v1/business-units/{segment}/customer-orders/1"))["/businessUnitId"]


def test_an_empty_segment_is_no_address(api):
    assert api.get("/api/v1/business-units/store-1/customer-orders/").status_code == 404
    assert api.get("/api/v1/business-units//customer-orders/1001").status_code == 404


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong])
def test_a_wrong_id_in_the_body_is_400_at_its_pointer(api, wrong):
    response = api.put(order_at("1001"), body(wrong))
    found = json.loads(response.content)
    assert (response.status_code, found["type"]) == (400, "urn:orderhub:problem:invalid-body")
    assert found["errors"][0]["pointer"] == "/customerOrder/customerOrderId"
    assert not OrderQueue.objects.exists()


def test_the_body_must_have_the_id_of_the_path(api):
    response = api.put(order_at("1001"), body("1002"))
    assert response.status_code == 400
    assert json.loads(response.content)["errors"] == [
        {"pointer": "/customerOrder/customerOrderId", "detail": "is not the id in the path"}
    ]


def test_ids_differ_by_case_and_by_unicode_form(api, apply_all):
    ids = ["a", "A", "\u00e9", "e\u0301"]
    for order_id in ids:
        assert json.loads(api.put(order_at(order_id), body(order_id)).content)["sequence"] == 1
    apply_all()
    assert sorted(Order.objects.values_list("customer_order_id", flat=True)) == sorted(ids)


def test_without_the_servers_raw_target_the_path_is_quoted_anew(api, apply_all):
    api.put(order_at("a b"), body("a b"))
    apply_all()
    plain = api._client.generic(
        "GET", "/api/v1/business-units/store-1/customer-orders/a%20b", headers={"Authorization": f"Bearer {api.token}"}
    )
    assert plain.status_code == 200


def test_an_absolute_target_is_read_like_its_path(api, apply_all):
    api.put(order_at("a/b"), body("a/b"))
    apply_all()
    target = order_at("a/b")
    response = api._client.generic(
        "GET", target, headers={"Authorization": f"Bearer {api.token}"}, RAW_URI=f"http://testserver{target}?"
    )
    assert response.status_code == 200
