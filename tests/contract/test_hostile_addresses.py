"""Odd addresses, hosts and encodings against the server that `make serve` starts: each has its one refusal."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from tests.bodies import body
from tests.contract.wire import ORDERS, put, stored

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs_postgres,
    pytest.mark.needs_redis,
]

EVENTS = "/api/v1/order-events"
NOWHERE = [
    "//api/v1/order-events",
    "///api/v1/order-events",
    "/api//v1/order-events",
    "/api/v1//order-events",
    "/api/v1/order-events/",
    "/api/v1/order-events.",
    "/api/v1/order-events%2F",
    "/api/v1/order-events%00",
    "/api/v1/order-events%20",
    "/api/v1/order-events%0d%0aX-A:b",
    "/api/v1/order-events;a=b",
    "/api/v1/order-events%3Fstatus=dead",
    "/api/v1/%6frder-events",
    "/api/%761/order-events",
    "/api%2Fv1/order-events",
    "/%61pi/v1/order-events",
    "/%2561pi/v1/order-events",
    "/API/v1/order-events",
    "/api/V1/order-events",
    "/api\\v1\\order-events",
    "/./api/v1/order-events",
    "/api/./v1/order-events",
    "/api/v1/../v1/order-events",
    "/api/v1/%2e%2e/v1/order-events",
    "/api/v1/..%2fv1/order-events",
    "/x/../api/v1/order-events",
    "/livez/../api/v1/order-events",
    "/livez/%2e%2e/api/v1/order-events",
    "/livez%2f..%2fapi/v1/order-events",
    "/static/../config/settings.py",
    "/static/%2e%2e/config/settings.py",
    "/static/..%2f..%2fmanage.py",
    "/static//etc/passwd",
    "/static/%00",
    "/metrics/",
    "/metrics%2f",
    "//metrics",
    "/oauth2/token/",
    "/schemas/v1/../v1/openapi.json",
]


@pytest.mark.parametrize("target", NOWHERE)
def test_an_address_that_only_resembles_one_of_ours_is_nowhere(wire, target):
    answer = wire.ask("GET", target)
    assert (answer.status, answer.problem) == (404, "not-found")
    assert b"orderEvents" not in answer.body
    assert "x-a" not in answer.headers


@pytest.mark.parametrize("target", ["/admin/../api/v1/order-events", "/admin/%2e%2e/metrics", "//admin/", "/admin//"])
def test_an_address_behind_the_admins_opens_nothing(wire, target):
    answer = wire.ask("GET", target)
    assert answer.status in (302, 404)
    assert answer.headers.get("location", "/admin/login/").startswith("/admin/login/")


@pytest.mark.parametrize(
    ("segment", "refusal"),
    [
        (".", (400, "invalid-id")), ("..", (400, "invalid-id")), ("%2e", (400, "invalid-id")),
        ("%2e%2e", (400, "invalid-id")), (".%2E", (400, "invalid-id")), ("%00", (400, "invalid-id")),
        ("a%00", (400, "invalid-id")), ("a%0d%0ab", (400, "invalid-id")), ("%20a", (400, "invalid-id")),
        ("%FF", (400, "invalid-id")), ("%C0%AE", (400, "invalid-id")), ("%ED%A0%80", (400, "invalid-id")),
        ("%", (404, "unknown-order")), ("%zz", (404, "unknown-order")), ("%2", (404, "unknown-order")),
        ("a%2Fb", (404, "unknown-order")), ("%2e%2e%2f1001", (404, "unknown-order")), ("a.", (404, "unknown-order")),
        ("a%252Fb", (404, "unknown-order")), ("a;b", (404, "unknown-order")), ("a\\b", (404, "unknown-order")),
        ("a/", (404, "not-found")), ("", (404, "not-found")), ("a/b", (404, "not-found")),
    ],
)  # fmt: skip
def test_an_odd_id_is_an_id_or_refused_and_never_another_address(wire, segment, refusal):
    answer = wire.ask("GET", f"{ORDERS}/{segment}")
    assert (answer.status, answer.problem) == refusal


# --- hosts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "127.0.0.1@evil.test", "evil.test@127.0.0.1", "127.0.0.1:x",
     "127.0.0.1 evil.test", "127.0.0.1,evil.test", "127.0.0.1/evil", "127.0.0.1#", "[::1", "localhost.evil.test",
     "xn--evil", "*", ".", "127.0.0.1\xff"],
)  # fmt: skip
def test_a_host_that_is_not_the_hubs_is_refused_without_being_repeated(wire, host):
    answer = wire.ask("GET", EVENTS, f"Host: {host}")
    assert (answer.status, answer.problem) == (400, "invalid-parameter")
    assert b"evil" not in answer.body


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-Host: evil.test", "X-Host: evil.test", "Forwarded: host=evil.test", "X-Original-URL: /metrics",
     "X-Rewrite-URL: /metrics", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /evil", "Script-Name: /evil"],
)  # fmt: skip
def test_what_only_a_trusted_proxy_may_say_is_not_heard_from_a_stranger(wire, header):
    answer = wire.ask("GET", EVENTS, header)
    assert answer.status == 200
    page = wire.ask("GET", "/", header)
    assert (page.status, page.headers["location"]) == (302, "/admin/")
    assert b"evil" not in page.body


def test_a_caller_that_claims_to_be_forwarded_from_loopback_sees_no_figures(wire):
    assert wire.ask("GET", "/metrics").status == 200
    for header in ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Forwarded-Host: 127.0.0.1"):
        assert wire.ask("GET", "/metrics", header).status == 401
        assert "limitSeconds" not in json.loads(wire.ask("GET", "/healthz", header).body)


def test_an_absolute_address_of_the_hub_itself_is_answered(wire):
    assert wire.ask("GET", f"http://127.0.0.1{EVENTS}").status == 200
    assert wire.ask("GET", "http://127.0.0.1/livez").status == 200


# --- encodings -----------------------------------------------------------------------------------------------------

ORDER = body("encoded")
TARGET = f"{ORDERS}/encoded"
JSON = "Content-Type: application/json"
OTHER_CODINGS = {
    "gzip": gzip.compress(ORDER),
    "x-gzip": gzip.compress(ORDER),
    "deflate": zlib.compress(ORDER),
    "br": b"\x8b\x03\x80{}\x03",
    "zstd": b"\x28\xb5\x2f\xfd",
    "gzip, gzip": gzip.compress(gzip.compress(ORDER)),
    "aes128gcm": b"\x00" * 32,
    "GZIP": ORDER,
}


@pytest.mark.parametrize("coding", OTHER_CODINGS)
def test_a_compressed_body_is_415_and_says_what_would_be_read(wire, coding):
    answer = wire.ask("PUT", TARGET, JSON, f"Content-Encoding: {coding}", sent=OTHER_CODINGS[coding])
    assert (answer.status, answer.problem) == (415, "unsupported-media-type")
    assert answer.headers["accept-encoding"] == "identity"
    assert "encoded" not in stored()


@pytest.mark.parametrize("charset", ["utf-16", "utf-16le", "UTF-32", "latin-1", "utf-7", "ascii", "utf-8-sig", "%00"])
def test_another_charset_is_415_whatever_the_bytes_are(wire, charset):
    for sent in (ORDER, ORDER.decode().encode("utf-16")):
        answer = wire.ask("PUT", TARGET, f"Content-Type: application/json; charset={charset}", sent=sent)
        assert (answer.status, answer.problem) == (415, "unsupported-media-type")
    assert "encoded" not in stored()


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-be", "utf-32", "cp037"])
def test_bytes_of_another_coding_that_say_utf_8_are_400(wire, coding):
    answer = wire.ask("PUT", TARGET, JSON, sent=ORDER.decode().encode(coding))
    assert (answer.status, answer.problem) == (400, "invalid-body")
    assert "encoded" not in stored()


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_a_body_with_content_encoding_identity_is_read(wire, coding):
    found = wire.send(put("as-it-is", f"Content-Encoding: {coding}", "Connection: close"))
    assert found.outcome == [(202, "")]
