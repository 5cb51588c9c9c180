"""The whole table of docs/reference/customer-order.md#external-errors, over the HTTP API, against the mock OMS."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.access.bearer_tokens import caller_of, forget_tokens
from orders.models import TimelineEntry
from proxy import breaker
from tests.orders.wire_server import answer, wire_server
from tests.proxy.conftest import ORDER, set_basic, set_oauth2

pytestmark = pytest.mark.django_db

UNIT = "/api/v1/business-units/store-1"
ORDER_PATH = f"{UNIT}/customer-orders/1001"
SEARCH_PATH = f"{UNIT}/customer-orders:search"
CUT, LATE, BAD, BUSY = (
    (502, "external-unavailable"), (504, "external-timeout"), (502, "external-contract"), (503, "external-busy"),
)  # fmt: skip


@pytest.fixture
def till(tenant, oms, sign_in, settings):
    settings.HUB_RESPONSE_LIMIT_BYTES = 20_000
    tenant.proxy_timeout_seconds = 0.5
    tenant.save()
    oms.add_order("store-1", ORDER)
    return sign_in(tenant)


def read(till, **more):
    return till.get(ORDER_PATH, **more)


def search(till):
    return till.post(SEARCH_PATH, {"customerOrderId": "1001"})


def said(response):
    """Status and problem name; what every problem has is checked on the way."""
    if response.status_code == 200:
        return 200, ""
    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["correlationId"] == response.headers["Correlation-Id"]
    assert problem["status"] == response.status_code
    assert (bool(problem["title"]), bool(problem["detail"])) == (True, True)
    assert "WWW-Authenticate" not in response.headers
    return problem["status"], problem["type"].removeprefix("urn:orderhub:problem:")


TABLE = [
    ({"status": 401}, CUT), ({"status": 403}, CUT),
    ({"status": 429}, BUSY),
    *(({"status": status}, CUT) for status in (301, 302, 303, 307, 308)),
    *(({"status": status}, CUT) for status in (400, 405, 406, 409, 410, 418, 422)),
    *(({"status": status}, CUT) for status in (500, 501, 502, 503, 504)),
    *(({"status": status}, BAD) for status in (201, 202, 203, 204, 206)),
    ({"malformed": True}, BAD), ({"html": True}, BAD), ({"body": ""}, BAD), ({"body": "[]"}, BAD),
    ({"body": "{} {}"}, BAD), ({"body": "x" * 20_001}, BAD),
    ({"missing": "status"}, BAD), ({"missing": "customerOrderId"}, BAD), ({"missing": "customerId"}, BAD),
    ({"wrong_type": "status"}, BAD), ({"wrong_type": "customerId"}, BAD), ({"wrong_id": True}, None),
    ({"drop": True}, CUT), ({"lost": True}, CUT), ({"truncated": True}, CUT),
    ({"delay": 1}, LATE), ({"drip": 0.1}, LATE),
    ({"unknown_member": True}, (200, "")), ({"gzip": True}, (200, "")),
]  # fmt: skip


@pytest.mark.parametrize("ask", [read, search])
@pytest.mark.parametrize(("fault", "expected"), [*TABLE, ({"status": 404}, None)])
def test_every_answer_of_the_order_service_has_its_meaning(till, basic, oms, ask, fault, expected):
    """Another order's id fails a read; a search drops the hit."""
    oms.fail(times=None, **fault)
    of_read, of_search = (BAD, (200, "")) if "wrong_id" in fault else ((404, "unknown-order"), CUT)
    assert said(ask(till)) == (expected or (of_read if ask is read else of_search))


TOKEN_TABLE = [
    *(({"status": status}, CUT) for status in (302, 400, 401, 403, 404, 429, 500, 503)),
    ({"malformed": True}, CUT), ({"html": True}, CUT), ({"body": '{"token_type": "Bearer"}'}, CUT),
    ({"drop": True}, CUT), ({"truncated": True}, CUT), ({"delay": 1}, LATE), ({"drip": 0.1}, LATE),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "expected"), TOKEN_TABLE)
def test_a_failed_token_request_is_never_the_callers_own_401(till, oauth2, oms, fault, expected):
    oms.fail(times=None, on="/oauth2/token", **fault)
    assert said(read(till)) == expected


@pytest.mark.parametrize(("given", "passed"), [("7", "7"), ("600", "60"), ("0", "1"), (None, "1")])
def test_429_is_503_with_its_wait(till, basic, oms, given, passed):
    oms.fail(status=429, **({"retry_after": given} if given else {}))
    response = read(till)
    assert (said(response), response.headers["Retry-After"]) == (BUSY, passed)


def test_a_broken_contract_lists_pointer_expected_and_found(till, basic, oms):
    oms.fail(missing="status", wrong_type="items")
    response = read(till)
    assert said(response) == BAD
    assert {fault["pointer"]: fault["detail"] for fault in response.json()["errors"]} == {
        "/customerOrder/items": "Expected an array, found a string.",
        "/customerOrder/status": "A required member is missing: expected a string, found nothing.",
    }


def test_an_order_found_that_was_not_searched_for_is_handed_to_nobody(till, basic, oms):
    oms.fail(wrong_id=True)
    response = search(till)
    assert (response.status_code, response.json()["customerOrders"]) == (200, [])


def test_before_credentials_are_set_nothing_goes_out(till, oms):
    assert (said(read(till)), oms.received) == ((503, "proxy-not-configured"), [])


def test_an_open_breaker_is_503_with_retry_after(till, basic, oms, settings):
    settings.HUB_BREAKER_FAILURES = 2
    oms.fail(status=500, times=2)
    assert [said(read(till)) for _ in range(2)] == [CUT, CUT]
    response = read(till)
    assert said(response) == BUSY
    assert 1 <= int(response.headers["Retry-After"]) <= 15
    assert len(oms.received) == 2
    breaker.succeeded(till_tenant(till))
    assert said(read(till)) == (200, "")


def till_tenant(till):
    return caller_of(till.token).tenant.pk


def test_bad_utf_8_breaks_the_contract(till, tenant, basic):
    body = b'{"customerOrder": {"customerOrderId": "1001", "customerId": "\xff", "status": "NEW", "items": []}}'
    with wire_server(
        lambda wire, _: wire.sendall(answer(body, headers="Content-Type: application/json\r\n"))
    ) as server:
        tenant.external_url = server.url
        tenant.save()
        forget_tokens()
        assert said(read(till)) == BAD


def test_nothing_of_the_caller_but_the_correlation_id_goes_out(till, basic, oms):
    sent = {
        "Cookie": "a=b", "X-Api-Key": "k", "If-None-Match": '"x"', "Accept-Language": "da", "Forwarded": "for=10.0.0.1",
        "X-Forwarded-For": "10.0.0.1", "Range": "bytes=0-1", "Correlation-Id": "till-7", "User-Agent": "till",
        "Accept": "text/html", "Origin": "https://a.test", "Traceparent": "00-1-2-3",
    }  # fmt: skip
    assert read(till, headers=sent).status_code == 200
    headers = {name.lower(): value for name, value in oms.received[0]["headers"].items()}
    assert set(headers) - {"connection"} == {
        "host", "accept", "accept-encoding", "authorization", "tenant-id", "user-agent", "correlation-id",
    }  # fmt: skip
    assert (headers["correlation-id"], headers["accept"]) == ("till-7", "application/json")


def test_a_plain_proxied_read_writes_nothing_and_warm_asks_nothing(till, basic, oms, django_assert_num_queries):
    with CaptureQueriesContext(connection) as cold:
        assert (read(till).status_code, search(till).status_code) == (200, 200)
    assert [query["sql"] for query in cold if not query["sql"].startswith("SELECT")] == []
    with django_assert_num_queries(0):
        assert (read(till).status_code, search(till).status_code) == (200, 200)
    assert TimelineEntry.objects.count() == 0


def test_a_failed_read_writes_its_one_line(till, basic, oms):
    oms.fail(status=500)
    read(till)
    assert [entry.customer_order_id for entry in TimelineEntry.objects.all()] == ["1001"]


@pytest.mark.parametrize("prefix", ["", "/", "/api/v1", "/api/v1/", "/a/b%20c/"])
def test_base_urls_with_and_without_slash_and_prefix(till, tenant, basic, prefix):
    with wire_server(
        lambda wire, _: wire.sendall(answer(b"{}", headers="Content-Type: application/json\r\n"))
    ) as server:
        tenant.external_url = server.url + prefix
        tenant.save()
        forget_tokens()
        till.get("/api/v1/business-units/s%2F1/customer-orders/a%20%25b")
    target = server.requests[0].split(b" ")[1].decode()
    assert target == f"{prefix.rstrip('/')}/business-units/s%2F1/customer-orders/a%20%25b"


def test_new_credentials_take_effect_at_once_over_the_api(till, tenant, oms):
    set_basic(tenant, password="old")
    assert said(read(till)) == CUT
    body = {"type": "basic", "config": {"username": "u", "password": "p"}}
    assert till.put("/api/v1/proxy-config", body).status_code == 200
    assert said(read(till)) == (200, "")
    set_oauth2(tenant, auth_url=oms.token_url)
    assert said(read(till)) == (200, "")
    assert oms.received[-1]["headers"]["Authorization"].startswith("Bearer ")
