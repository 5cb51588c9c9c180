"""What goes out, what comes back, what every failure means (docs/reference/customer-order.md#reading-through)."""

from __future__ import annotations

import base64
import json
import socket
import time

import pytest

from orders.documents import SearchCriteria
from orders.integrations.sources import Search
from orders.models import TimelineEntry, UnknownContent
from orders.outgoing import send
from orders.telemetry import unknown_content
from orders.values.problems import (
    ExternalBusy,
    ExternalContract,
    ExternalTimeout,
    ExternalUnavailable,
    ProxyNotConfigured,
    UnknownOrder,
)
from proxy import credentials, drift, forwarding
from proxy.models import ContractDrift
from proxy.sources import ProxiedOrders
from tests.orders.wire_server import answer, wire_server
from tests.proxy.conftest import ORDER, set_basic, set_oauth2

OK = b'{"customerOrder": {"customerOrderId": "1001", "customerId": "c", "status": "NEW", "items": []}}'
JSON = "Content-Type: application/json\r\n"


def read(tenant, order_id="1001", unit="store-1"):
    return ProxiedOrders().get(tenant, unit, order_id)


def search(tenant, raw=b"{}", *, skip=0, take=50, **criteria):
    return ProxiedOrders().search(tenant, "store-1", Search(SearchCriteria(**criteria), raw, skip, take))


def calls(oms, path="/api/v1"):
    return [call for call in oms.received if call["path"].startswith(path)]


def test_an_order_is_read_with_digits_kept_and_status_translated(tenant, basic, oms):
    oms.add_order("store-1", '{"customerOrderId":"1001","customerId":"c","status":"NEW","minimumDownPaymentAmount":1e2,'
                             '"items":[{"itemId":"B","quantityOrdered":2,"unitPrice":19.90}]}')  # fmt: skip
    assert read(tenant).body == (
        b'{"customerOrder":{"customerOrderId":"1001","customerId":"c","status":"CREATED",'
        b'"minimumDownPaymentAmount":100,"items":[{"itemId":"B","quantityOrdered":2,"unitPrice":19.90}]}}'
    )


def test_the_request_carries_what_is_agreed_and_nothing_of_the_caller(tenant, basic, oms, settings):
    oms.add_order("store-1", ORDER)
    read(tenant)
    headers = {name.lower(): value for name, value in calls(oms)[0]["headers"].items()}
    assert headers.pop("host")
    assert headers.pop("correlation-id")
    headers.pop("connection", None)
    assert headers == {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "authorization": "Basic " + base64.b64encode(b"u:p").decode(),
        "tenant-id": "acme",
        "user-agent": f"orderhub/{settings.HUB_VERSION}",
    }


@pytest.mark.parametrize("odd", ["a/b", "..a", "50%", "a%2Fb", "x:search", "a b", "ø", "?a=1", "#", "a;b", "%2e%2e"])
def test_an_id_never_leaves_its_segment(tenant, basic, oms, odd):
    oms.add_order(odd, {**ORDER, "customerOrderId": odd})
    assert read(tenant, odd, odd).body


def test_a_base_url_may_end_with_a_slash(tenant, basic, oms):
    tenant.external_url += "/"
    oms.add_order("store-1", ORDER)
    assert read(tenant).body


def test_nothing_goes_out_before_credentials_are_set(tenant, oms):
    with pytest.raises(ProxyNotConfigured):
        read(tenant)
    assert (calls(oms), TimelineEntry.objects.count()) == ([], 0)


def test_new_credentials_take_effect_at_once(tenant, oms):
    set_basic(tenant, password="old")
    oms.add_order("store-1", ORDER)
    with pytest.raises(ExternalUnavailable):
        read(tenant)
    set_basic(tenant, password="p")
    assert read(tenant).body


def test_credentials_set_in_another_process_are_read_before_a_401_is_believed(tenant, oms):
    set_basic(tenant, password="old")
    credentials.credentials_of(tenant)
    kept = dict(credentials._kept)
    set_basic(tenant, password="p")
    credentials._kept.update(kept)
    oms.add_order("store-1", ORDER)
    assert read(tenant).body


def test_oauth2_reads_with_one_token(tenant, oauth2, oms):
    oms.add_order("store-1", ORDER)
    read(tenant)
    read(tenant)
    assert len(calls(oms, "/oauth2/token")) == 1
    assert all(call["headers"]["Authorization"].startswith("Bearer ") for call in calls(oms))


def test_an_expired_token_is_fetched_anew_once(tenant, oauth2, oms):
    oms.add_order("store-1", ORDER)
    read(tenant)
    oms.fail(expired_token=True)
    assert read(tenant).body
    assert len(calls(oms, "/oauth2/token")) == 2


def test_refused_client_credentials_are_no_401_of_ours(tenant, oms):
    config = set_oauth2(tenant, auth_url=oms.token_url)
    credentials.store(config, "wrong")
    with pytest.raises(ExternalUnavailable, match="token endpoint refuses"):
        read(tenant)


def test_a_tenants_auth_url_reaches_the_inside_only_at_its_own_host(tenant, oms):
    elsewhere = oms.token_url.replace("127.0.0.1", "127.0.0.2")
    set_oauth2(tenant, auth_url=elsewhere, set_by="tenant")
    with pytest.raises(ExternalUnavailable, match="may not connect to this address") as refused:
        read(tenant)
    assert "127.0.0.2" in str(refused.value.__cause__)
    assert "127.0.0.2" not in refused.value.detail
    set_oauth2(tenant, auth_url=elsewhere, set_by="ops")
    with pytest.raises(ExternalUnavailable, match="connection was refused"):
        read(tenant)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"status": 404}, UnknownOrder), ({"status": 401}, ExternalUnavailable), ({"status": 403}, ExternalUnavailable),
        ({"status": 429}, ExternalBusy), ({"status": 400}, ExternalUnavailable), ({"status": 302}, ExternalUnavailable),
        ({"status": 500}, ExternalUnavailable), ({"status": 503}, ExternalUnavailable),
        ({"status": 201}, ExternalContract),
        ({"status": 204}, ExternalContract), ({"malformed": True}, ExternalContract),
        ({"html": True}, ExternalContract),
        ({"missing": "status"}, ExternalContract), ({"wrong_type": "items"}, ExternalContract),
        ({"wrong_id": True}, ExternalContract), ({"truncated": True}, ExternalUnavailable),
        ({"drop": True}, ExternalUnavailable), ({"delay": 1}, ExternalTimeout), ({"drip": 0.2}, ExternalTimeout),
        ({"body": "[]"}, ExternalContract),
    ],
)  # fmt: skip
def test_every_failure_has_its_meaning(tenant, basic, oms, fault, problem):
    tenant.proxy_timeout_seconds = 0.4
    oms.add_order("store-1", ORDER)
    oms.fail(times=2, **fault)
    with pytest.raises(problem) as raised:
        read(tenant)
    assert type(raised.value) is problem
    recorded = TimelineEntry.objects.filter(business_unit_id="store-1", customer_order_id="1001", road="proxy")
    assert recorded.count() == (problem in (ExternalUnavailable, ExternalContract, ExternalTimeout))


def test_a_search_that_finds_no_address_is_a_wrong_url(tenant, basic, oms):
    oms.fail(status=404)
    with pytest.raises(ExternalUnavailable):
        search(tenant)


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ("7", "7"), ("0", "1"), ("3600", "60"), ("soon", "1"), ("-1", "1"), (None, "1"), ("9" * 5000, "60"),
        ("Fri, 01 Jan 2100 00:00:00 GMT", "60"), ("Thu, 01 Jan 2015 00:00:00 GMT", "1"),
        (f"Fri, {'9' * 20} Nov 2026 08:01:00 GMT", "1"),
    ],
)  # fmt: skip
def test_429_passes_its_wait_on_within_bounds(tenant, basic, given, passed):
    headers = JSON if given is None else f"Retry-After: {given}\r\n"
    with wire_server(
        lambda connection, _: connection.sendall(answer(b"", status="429 Wait", headers=headers))
    ) as server:
        tenant.external_url = server.url
        with pytest.raises(ExternalBusy) as busy:
            read(tenant)
    assert busy.value.headers == {"Retry-After": passed}


def test_a_cut_before_any_byte_is_tried_once_more_and_a_status_never(tenant, basic, oms):
    oms.add_order("store-1", ORDER)
    oms.fail(drop=True, times=1)
    assert read(tenant).body
    assert len(calls(oms)) == 2
    oms.fail(status=503, times=1)
    with pytest.raises(ExternalUnavailable):
        read(tenant)
    assert len(calls(oms)) == 3


def test_nobody_listening_is_502(tenant, basic):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tenant.external_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ExternalUnavailable, match="refused or the host could not be reached"):
        read(tenant)


def test_the_deadline_covers_token_and_read_together(tenant, oauth2, oms):
    tenant.proxy_timeout_seconds = 0.5
    oms.add_order("store-1", ORDER)
    oms.fail(delay=0.35, on="/oauth2/token")
    oms.fail(delay=0.35, on="/customer-orders/")
    began = time.monotonic()
    with pytest.raises(ExternalTimeout):
        read(tenant)
    assert 0.45 < time.monotonic() - began < 0.65


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Type: text/plain\r\n", OK), ("", OK), ("Content-Type: application/json; charset=latin-1\r\n", OK),
        (JSON, OK.replace(b'"c"', b'"\xff"')), (JSON, OK + b"x"), (JSON, b"x" * 3000), (JSON, b""),
        (JSON, OK.replace(b'"items"', b'"status": "X", "items"')),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_strict_json_of_the_agreed_size_breaks_the_contract(
    tenant, basic, settings, headers, body
):
    settings.HUB_RESPONSE_LIMIT_BYTES = 2000
    with wire_server(lambda connection, _: connection.sendall(answer(body, headers=headers))) as server:
        tenant.external_url = server.url
        with pytest.raises(ExternalContract):
            read(tenant)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json", "application/JSON; charset=UTF-8", "application/hal+json", "application/json;",
        'application/json; profile="https://a.example/x;y"', "application/json;v=2;charset=utf8",
        'application/json; charset="utf-8"; odata.metadata=minimal', "application/json; nonsense",
    ],
)  # fmt: skip
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
def test_json_by_any_of_its_names_is_taken(tenant, basic, kind, mark):
    with wire_server(
        lambda connection, _: connection.sendall(answer(mark + OK, headers=f"Content-Type: {kind}\r\n"))
    ) as server:
        tenant.external_url = server.url
        assert read(tenant).body


def test_a_broken_contract_names_pointer_and_types(tenant, basic, oms):
    oms.add_order("store-1", ORDER)
    oms.fail(missing="status", wrong_type="customerId")
    with pytest.raises(ExternalContract) as broken:
        read(tenant)
    assert {fault.pointer: fault.detail for fault in broken.value.errors} == {
        "/customerOrder/customerId": "Expected a string, found a number.",
        "/customerOrder/status": "A required member is missing: expected a string, found nothing.",
    }


def test_unknown_members_are_dropped_and_counted_once_per_answer(tenant, basic, oms, django_assert_num_queries):
    oms.add_order("store-1", ORDER)
    oms.fail(unknown_member=True, times=3)
    credentials.credentials_of(tenant)
    with django_assert_num_queries(0):
        bodies = [read(tenant).body for _ in range(3)]
    assert all(b"unknownMember" not in body for body in bodies)
    drift.write()
    row = ContractDrift.objects.get()
    assert (row.tenant, row.pointer, row.found, row.count) == (tenant, "/customerOrder/unknownMember", "object", 3)
    assert row.first_seen_at == row.last_seen_at
    oms.fail(unknown_member=True)
    read(tenant)
    drift.write()
    row.refresh_from_db()
    assert row.count == 4
    assert row.first_seen_at < row.last_seen_at


def test_lines_drift_alike(tenant, basic):
    item = b'{"itemId": "a", "quantityOrdered": 1, "unitPrice": 1, "colour": "red"}'
    body = OK.replace(b"[]", b"[" + item + b"," + item + b"]")
    with wire_server(lambda connection, _: connection.sendall(answer(body, headers=JSON))) as server:
        tenant.external_url = server.url
        read(tenant)
    drift.write()
    row = ContractDrift.objects.get()
    assert (row.pointer, row.found, row.count) == ("/customerOrder/items/*/colour", "string", 2)


def test_drift_in_a_name_that_no_database_takes_is_counted_like_any_other(tenant, basic):
    body = OK.replace(b'"items"', b'"a\\u0000b": 1, "items"')
    with wire_server(lambda connection, _: connection.sendall(answer(body, headers=JSON))) as server:
        tenant.external_url = server.url
        with pytest.raises(ExternalContract):
            read(tenant)
    drift.write()
    assert "/customerOrder/a\ufffdb" in ContractDrift.objects.values_list("pointer", flat=True)


def test_a_plain_read_asks_and_writes_nothing(tenant, basic, oms, django_assert_num_queries):
    oms.add_order("store-1", ORDER)
    read(tenant)
    with django_assert_num_queries(0):
        read(tenant)


def test_a_search_forwards_the_body_as_it_came_and_cuts_the_list(tenant, basic, oms):
    for number in range(5):
        oms.add_order("store-1", {**ORDER, "customerOrderId": f"o-{number}", "status": "NEW"})
    raw = b'{ "customerId" : "c-77" }'
    page = search(tenant, raw, skip=1, take=2)
    assert page.orders == [
        {"customerOrderId": f"o-{number}", "customerId": "c-77", "status": "CREATED"} for number in (3, 2)
    ]
    assert page.has_more
    assert not search(tenant, raw, skip=3, take=2).has_more
    call = calls(oms)[0]
    assert (call["method"], call["path"], call["body"]) == (
        "POST", "/api/v1/business-units/store-1/customer-orders:search", raw.decode(),
    )  # fmt: skip


MAP = {"NEW": "CREATED", "OPEN": "IN_PROGRESS", "PICKING": "IN_PROGRESS", "CREATED": "IN_PROGRESS"}


@pytest.mark.parametrize(
    ("wanted", "sent", "found"),
    [
        ("CREATED", "NEW", ["NEW"]),
        ("FULFILLED", "FULFILLED", ["FULFILLED"]),
        ("IN_PROGRESS", None, ["CREATED", "OPEN", "PICKING"]),
        ("OPEN", "OPEN", ["OPEN"]),
        ("CANCELLED", "CANCELLED", []),
    ],
)
def test_a_search_by_status_finds_what_a_till_reads_as_that(tenant, basic, oms, wanted, sent, found):
    tenant.status_map = MAP
    for word in ("CREATED", "FULFILLED", "NEW", "OPEN", "PICKING"):
        oms.add_order("store-1", {**ORDER, "customerOrderId": word, "status": word})
    raw = json.dumps({"customerId": "c-77", "status": wanted}).encode()
    page = search(tenant, raw, customer_id="c-77", status=wanted)
    assert sorted(order["customerOrderId"] for order in page.orders) == found
    assert json.loads(calls(oms)[0]["body"]) == {"customerId": "c-77"} | ({"status": sent} if sent else {})
    for order in page.orders:
        till = json.loads(read(tenant, order["customerOrderId"]).body)["customerOrder"]["status"]
        assert till == order["status"]
    drift.write()
    assert not ContractDrift.objects.exists()


def test_a_hit_that_was_not_asked_for_is_dropped_and_is_drift(tenant, basic, oms):
    hits = [("1001", "c-77", "NEW"), ("1002", "c-77", "NEW"), ("1001", "c-1", "NEW"), ("1001", "c-77", "DONE")]
    listed = [{"customerOrderId": one, "customerId": of, "status": word} for one, of, word in hits]
    oms.fail(times=None, on=":search", body=json.dumps({"customerOrders": listed}))
    page = search(tenant, b"{}", customer_order_id="1001", customer_id="c-77", status="CREATED")
    assert page.orders == [{"customerOrderId": "1001", "customerId": "c-77", "status": "CREATED"}]
    drift.write()
    places = {f"/customerOrders/*/{name}" for name in ("customerOrderId", "customerId", "status")}
    assert set(ContractDrift.objects.values_list("pointer", flat=True)) == places


def test_a_word_that_is_nearly_one_of_ours_is_drift_and_others_are_counted(tenant, basic, oms):
    for word in ("Cancelled", "DONE"):
        oms.add_order("store-1", {**ORDER, "customerOrderId": word, "status": word})
        read(tenant, word)
    drift.write()
    unknown_content.write()
    row = ContractDrift.objects.get()
    assert (row.pointer, row.expected) == ("/customerOrder/status", "the status word CANCELLED")
    assert list(UnknownContent.objects.values_list("kind", "name")) == [("status", "DONE")]


def test_one_bad_order_fails_the_whole_search(tenant, basic, oms):
    oms.add_order("store-1", ORDER)
    oms.add_order("store-1", {**ORDER, "customerOrderId": "1002", "status": 7})
    with pytest.raises(ExternalContract) as broken:
        search(tenant)
    assert [fault.pointer for fault in broken.value.errors] == ["/customerOrders/0/status"]


def test_a_failed_search_is_reported_on_the_one_order_it_asked_for(tenant, basic, oms):
    oms.fail(status=500, times=2)
    with pytest.raises(ExternalUnavailable):
        search(tenant, customer_order_id="1001")
    with pytest.raises(ExternalUnavailable):
        search(tenant)
    assert [entry.customer_order_id for entry in TimelineEntry.objects.all()] == ["1001"]


def test_connections_are_kept_open_between_reads(tenant, basic):
    with wire_server(lambda connection, _: connection.sendall(answer(OK, headers=JSON))) as server:
        tenant.external_url = server.url
        for _ in range(5):
            read(tenant)
    assert (len(server.requests), server.connections) == (5, 1)


def test_no_redirect_is_followed(tenant, basic):
    def redirect(connection, _):
        connection.sendall(answer(b"", status="307 Go", headers="Location: http://127.0.0.1:1/\r\n"))

    with wire_server(redirect) as server:
        tenant.external_url = server.url
        with pytest.raises(ExternalUnavailable, match="answered 307"):
            read(tenant)
    assert len(server.requests) == 1
    assert forwarding.send is send
