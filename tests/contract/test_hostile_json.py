"""Every endpoint that takes a body refuses JSON of every nasty kind: 4xx with words, at once, and nothing stored."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orderflow.models import OrderFlowChannel
from orders.api.schema.document import openapi_document
from orders.http.lengths import BAD_LENGTH
from orders.models import Destination
from suppliers.models import Supplier
from tests.bodies import body
from tests.contract.nasty import MIB, NO_JSON, NO_OBJECT, NO_TEXT

pytestmark = pytest.mark.django_db

SECONDS = 2.0
"""Of this thread's own time. The dearest of these bodies of a megabyte takes 0.4 s on a quiet core."""
LARGEST_ANSWER = 64 * 1024
"""However many faults a body has, the answer to it is for a person."""
UNIT = "/api/v1/business-units/store-1"
EVENT = "/api/v1/order-events/0197a1d2-0000-7000-8000-000000000001"
NDJSON = "application/x-ndjson"
STOCK = (
    '{"eventType":"stock_updated","payloadVersion":"1","timestamp":"2026-11-20T08:46:36Z",'
    '"items":[{"itemId":@@,"available":1}]}'
)
TAKING = {
    "putCustomerOrder": ("events", "PUT", f"{UNIT}/customer-orders/1001",
                         body(customer="@@").decode().replace('"@@"', "@@")),
    "searchCustomerOrders": ("events", "POST", f"{UNIT}/customer-orders:search", '{"customerId":@@}'),
    "previewOrderEvent": ("events", "POST", f"{EVENT}:preview", '{"reason":@@}'),
    "retryOrderEvent": ("events", "POST", f"{EVENT}:retry", '{"reason":@@}'),
    "discardOrderEvent": ("events", "POST", f"{EVENT}:discard", '{"reason":@@}'),
    "putProxyConfig": ("proxy", "PUT", "/api/v1/proxy-config",
                       '{"type":"basic","config":{"username":"u","password":@@}}'),
    "listKnownOrders": ("migrating", "POST", "/api/v1/migration/orders",
                        '{"orders":[{"businessUnitId":"store-1","customerOrderId":@@}]}'),
    "putProduct": ("events", "PUT", "/api/v1/orderflow-channels/main/products/BEAN-1", '{"description":@@}'),
    "sendSupplierEvent": ("supplier", "POST", "/api/events/v1/dk/external/acme/send", STOCK),
}  # fmt: skip
"""Who calls, and a body that would be taken were a text in the place of @@."""
BODY_OPTIONAL = {"previewOrderEvent", "retryOrderEvent", "discardOrderEvent"}
"""No body at all is no reason."""
LOAD = "/api/v1/customer-orders:load"


def taking_a_body():
    return {
        operation["operationId"]
        for item in openapi_document()["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    }


def test_every_endpoint_that_takes_a_body_stands_in_the_table():
    assert taking_a_body() == {*TAKING, "loadCustomerOrders", "fetchToken"}


@pytest.fixture
def callers(make_tenant, sign_in):
    """A caller of each kind, the first time it is asked for."""
    known = {}

    def caller(kind):
        if kind not in known:
            known[kind] = make(kind)
        return known[kind]

    def make(kind):
        if kind != "supplier":
            return sign_in(make_tenant("acme", kind))
        acme = make_tenant("acme", country="dk")
        supplier = sign_in(acme, "beans", kind="supplier")
        Supplier.objects.create(
            tenant=acme, slug="beans", name="Beans", position=0, item_patterns=["*"],
            api_client=acme.api_clients.get(client_id="beans"),
        )  # fmt: skip
        return supplier

    return caller


@pytest.fixture
def refuse(callers):
    """Sends a body that must be refused, and checks all that a refusal is; returns its faults."""

    def sent(operation_id, nasty):
        kind, method, target, _ = TAKING[operation_id]
        api = callers(kind)
        api.get("/api/v1/nowhere")  # remembers the token
        with CaptureQueriesContext(connection) as queries:
            began = time.thread_time()
            answer = api.call(method, target, nasty, headers={"Event-Type": "stock_updated"})
            seconds = time.thread_time() - began
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), answer.content[:300]
        assert seconds < SECONDS
        assert len(answer.content) < LARGEST_ANSWER
        assert [query["sql"][:80] for query in queries if not query["sql"].startswith("SELECT")] == []
        found = json.loads(answer.content)
        assert found["type"] == "urn:orderhub:problem:invalid-body"
        return found

    return sent


@pytest.mark.parametrize("operation_id", TAKING)
def test_what_is_no_json_is_refused_with_the_place_and_the_reason(operation_id, refuse):
    for kind, nasty in NO_JSON.items():
        found = refuse(operation_id, nasty)
        assert found["errors"], kind
        for fault in found["errors"]:
            assert fault["detail"].startswith("Expected "), kind


@pytest.mark.parametrize("operation_id", TAKING)
def test_json_of_the_wrong_shape_is_refused_with_the_place_and_the_reason(operation_id, refuse):
    for kind, nasty in NO_OBJECT.items():
        found = refuse(operation_id, nasty)
        assert found["errors"], kind
        for fault in found["errors"]:
            assert 10 < len(fault["detail"]) < 500, kind


@pytest.mark.parametrize("operation_id", TAKING)
def test_a_value_that_is_no_fair_text_is_refused_where_a_text_is_wanted(operation_id, refuse):
    frame = TAKING[operation_id][3]
    for kind, nasty in NO_TEXT.items():
        found = refuse(operation_id, frame.replace("@@", nasty).encode())
        assert found["errors"], kind
        assert all(fault["detail"] for fault in found["errors"]), kind


@pytest.mark.parametrize("operation_id", [one for one in TAKING if one not in BODY_OPTIONAL])
def test_no_body_is_refused_in_words(operation_id, refuse):
    assert refuse(operation_id, b"")["detail"] == "The request has no body."


@pytest.mark.parametrize("operation_id", TAKING)
def test_a_body_beyond_a_mebibyte_is_413_whatever_it_holds(operation_id, callers):
    kind, method, target, _ = TAKING[operation_id]
    for filler in (b"[", b" ", b"\x00", b"\xff"):
        answer = callers(kind).call(method, target, filler * (MIB + 1))
        assert (answer.status_code, json.loads(answer.content)["type"]) == (413, "urn:orderhub:problem:too-large")


# --- lengths and codings -------------------------------------------------------------------------------------------

NO_LENGTH = ["\u00b2", "\u0663", "9" * 5_000, "0" * 5_000, "0" * 20 + "9" * 7, "-1", "+1", "1_0", "1e3", " 1", "1,1"]
EVERY_TAKER = {**TAKING, "loadCustomerOrders": ("events", "POST", LOAD, "{}")}


def sent_to(operation_id, callers, **more):
    kind, method, target, frame = EVERY_TAKER[operation_id]
    told = more.pop("headers", {})
    content_type = NDJSON if target == LOAD else "application/json"
    data = more.pop("data", frame.replace("@@", '"a"').encode())
    return callers(kind).call(
        method, target, data, content_type=content_type, headers={"Event-Type": "stock_updated", **told}, **more
    )


@pytest.mark.parametrize("operation_id", EVERY_TAKER)
def test_a_length_that_is_no_plain_number_is_refused_by_every_taker(operation_id, callers):
    for length in NO_LENGTH:
        answer = sent_to(operation_id, callers, CONTENT_LENGTH=length)
        assert (answer.status_code, json.loads(answer.content)["detail"]) == (400, BAD_LENGTH), length


@pytest.mark.parametrize("length", NO_LENGTH)
def test_a_length_that_is_no_plain_number_is_refused_by_the_token_endpoint(anyone, acme, length):
    answer = anyone.post("/oauth2/token", GRANT, content_type=FORM, CONTENT_LENGTH=length)
    found = json.loads(answer.content)
    assert (answer.status_code, found) == (400, {"error": "invalid_request", "error_description": BAD_LENGTH})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
@pytest.mark.parametrize("operation_id", EVERY_TAKER)
def test_a_packed_body_is_415_before_anything_is_unpacked_or_written(operation_id, coding, callers):
    callers(EVERY_TAKER[operation_id][0]).get("/api/v1/nowhere")  # remembers the token
    bomb = gzip.compress(b" " * MIB * 16)
    with CaptureQueriesContext(connection) as queries:
        answer = sent_to(operation_id, callers, data=bomb, headers={"Content-Encoding": coding})
    assert (answer.status_code, answer["Accept-Encoding"]) == (415, "identity")
    assert [query["sql"][:80] for query in queries if not query["sql"].startswith("SELECT")] == []


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_packed_token_request_is_415_before_its_form_is_read(anyone, acme, coding, monkeypatch):
    monkeypatch.setattr(WSGIRequest, "_load_post_and_files", lambda request: pytest.fail("read"))
    packed = gzip.compress(GRANT)
    answer = anyone.post("/oauth2/token", packed, content_type=FORM, headers={"Content-Encoding": coding})
    found = json.loads(answer.content)
    assert (answer.status_code, found["error"], answer["Accept-Encoding"]) == (415, "invalid_request", "identity")
    assert found["error_description"] == f"Send the body as it is, without Content-Encoding {coding}."


# --- lines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*NO_JSON, *NO_OBJECT])
def test_a_nasty_line_is_refused_by_itself_and_its_neighbours_are_taken(kind, callers):
    nasty = (NO_JSON | NO_OBJECT)[kind].replace(b"\n", b"\\n\x01")
    good = [b'{"businessUnitId":"store-1",' + body(one)[1:] for one in ("1", "2")]
    began = time.thread_time()
    answer = callers("events").post(LOAD, b"\n".join([good[0], nasty, good[1]]), content_type=NDJSON)
    assert time.thread_time() - began < SECONDS
    assert answer.status_code == 200
    assert len(answer.content) < LARGEST_ANSWER
    lines = [json.loads(line) for line in answer.content.splitlines()]
    assert [line["status"] for line in lines if line["status"] != 400] == [202, 202]
    assert all(line["errors"] for line in lines if line["status"] == 400)
    if nasty.strip():
        assert [line["status"] for line in lines] == [202, 400, 202]


# --- forms ---------------------------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials&client_id=till&client_secret="


@pytest.mark.parametrize(
    "form",
    [
        b"", b"&", b"=", b"grant_type", b"grant_type=", b"grant_type=password&username=a&password=b",
        b"grant_type=client_credentials&grant_type=client_credentials", GRANT + b"%00", GRANT + b"%FF", GRANT + b"\xff",
        GRANT + b"%ED%A0%80", GRANT + b"%0d%0a", GRANT + b"\x00", b"a=" * 5_000, b"&".join([b"a=1"] * 2_000),
        b"&".join(b"a%d=1" % number for number in range(2_000)), b'{"grant_type":"client_credentials"}',
        '{"a":1}'.encode("utf-16"), b"grant_type=client_credentials&scope=" + b"a%20" * 10_000,
        GRANT + b"x" * 60_000, b"%" * 60_000, b"grant_type=client_credentials&client_assertion=" + b"a." * 20_000,
        b"grant_type=client_credentials&client_assertion=" + b"e30." * 10_000 + b"&client_assertion_type=a",
    ],
)  # fmt: skip
def test_a_nasty_form_is_refused_as_oauth_says(anyone, acme, form):
    began = time.thread_time()
    answer = anyone.post("/oauth2/token", form, content_type=FORM)
    assert time.thread_time() - began < SECONDS
    assert answer.status_code in (400, 401), answer.content[:300]
    assert answer["Content-Type"] == "application/json"
    found = json.loads(answer.content)
    assert found["error"] in ("invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope")
    assert len(answer.content) < 1_000


def test_a_form_beyond_its_limit_or_in_chunks_is_refused_in_words(anyone, acme):
    assert anyone.post("/oauth2/token", b"a" * 70_000, content_type=FORM).status_code == 413
    chunked = anyone.post("/oauth2/token", GRANT, content_type=FORM, HTTP_TRANSFER_ENCODING="chunked")
    assert (chunked.status_code, b"Content-Length" in chunked.content) == (400, True)


def test_the_product_table_is_about_a_channel_that_exists(callers):
    """Else the products' refusals above would be of a channel that is not there."""
    callers("events")
    assert OrderFlowChannel.objects.count() == Destination.objects.count() == 0
