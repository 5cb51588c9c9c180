"""Tokens of partners: one fetch at a time, kept until shortly before they end, both forms of client authentication."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus, unquote_plus

import pytest
import redis.exceptions
from django.core.cache import cache

from orders.cache import shared_cache
from orders.outgoing import Call, ConnectionCut, Deadline, DeadlineExceeded, Refused, partner_tokens
from orders.outgoing.partner_tokens import ClientCredentials, TokenRefused, TokenUnusable, send_authorized, token_for
from tests.orders.wire_server import answer, wire_server


@pytest.fixture(autouse=True)
def _clean(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_ENCRYPTION_KEYS = (("k1", b"k" * 32),)
    partner_tokens.forget_tokens()
    cache.clear()


class TokenEndpoint:
    """Answers tokens t1, t2, … and keeps what it was asked."""

    def __init__(self, *, expires_in: object = 3600, delay: float = 0, basic_status: int = 200) -> None:
        self.expires_in, self.delay, self.basic_status = expires_in, delay, basic_status
        self.asked: list[bytes] = []
        self.lock = threading.Lock()

    def __call__(self, connection, request):
        time.sleep(self.delay)
        if b"\r\nAuthorization: Basic " in request and self.basic_status != 200:
            self.asked.append(request)
            connection.sendall(answer(b'{"error":"invalid_client"}', status=f"{self.basic_status} No"))
            return
        with self.lock:
            self.asked.append(request)
            granted = {"access_token": f"t{len(self.asked)}", "token_type": "bearer"}
        if self.expires_in is not None:
            granted["expires_in"] = self.expires_in
        connection.sendall(answer(json.dumps(granted).encode()))


def fetch(url: str, *, secret: str = "s3", seconds: float = 5, refused: str = "", **options: object) -> str:
    credentials = ClientCredentials(token_url=f"{url}/token", client_id="me", client_secret=secret, **options)
    return token_for(credentials, call=Call("GET", url), deadline=Deadline.after(seconds), refused=refused)


def test_a_token_is_asked_for_with_basic_and_kept():
    endpoint = TokenEndpoint()
    with wire_server(endpoint) as server:
        assert [fetch(server.url, scope="orders", resource="urn:x") for _ in range(3)] == ["t1"] * 3
    head, body = endpoint.asked[0].decode().split("\r\n\r\n")
    assert head.startswith("POST /token HTTP/1.1")
    assert f"Authorization: Basic {base64.b64encode(b'me:s3').decode()}" in head
    assert "Content-Type: application/x-www-form-urlencoded" in head
    assert sorted(body.split("&")) == ["grant_type=client_credentials", "resource=urn%3Ax", "scope=orders"]
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [400, 401])
def test_the_body_form_is_tried_after_both_forms_of_basic_and_remembered(status):
    endpoint = TokenEndpoint(basic_status=status)
    with wire_server(endpoint) as server:
        assert fetch(server.url, secret="a&b=ü") == "t3"
        partner_tokens.forget_tokens()
        assert fetch(server.url, secret="a&b=ü", refused="t3") == "t4"
    assert [b"Authorization: Basic" in request for request in endpoint.asked] == [True, True, False, False]
    assert b"client_id=me&client_secret=a%26b%3D%C3%BC" in endpoint.asked[2]


SECRETS = ["plain-secret", "a+b%41/=c", "z/tZ9Vw+H1:X2=", "per%cent", "a b", "tilde~star*", "kød€"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("decode", [unquote_plus, str], ids=["decodes", "takes it raw"])
def test_basic_works_at_endpoints_that_decode_and_at_those_that_do_not(secret, decode):
    """RFC 6749, section 2.3.1, wants the pair form-encoded; not every endpoint decodes it."""
    asked = []

    def endpoint(connection, request):
        login = base64.b64decode(re.search(rb"Authorization: Basic (\S+)", request)[1]).decode()
        asked.append(login)
        good = [*map(decode, login.split(":", 1))] == ["me", secret]
        granted = answer(b'{"access_token":"t"}') if good else answer(b"{}", status="401 No")
        connection.sendall(granted)

    with wire_server(endpoint) as server:
        assert fetch(server.url, secret=secret) == "t"
    assert len(asked) == (1 if decode is unquote_plus or secret == "plain-secret" else 2)
    assert asked[0] == f"me:{quote_plus(secret)}"


@pytest.mark.parametrize("status", ["200 OK", "201 Created"])
@pytest.mark.parametrize("kind", ['"Bearer"', '"bearer"', '"BEARER"', '"BearerToken"'])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_token_of_a_careless_endpoint_is_taken(status, kind, mark):
    body = mark + f'{{"access_token":"t","token_type":{kind},"expires_in":"3599"}}'.encode()
    with wire_server(lambda connection, _: connection.sendall(answer(body, status=status))) as server:
        assert fetch(server.url) == "t"


def test_refused_in_both_forms_is_token_refused():
    with wire_server(lambda connection, _: connection.sendall(answer(b"{}", status="401 No"))) as server:
        with pytest.raises(TokenRefused) as refused:
            fetch(server.url)
        assert len(server.requests) == 2
    assert "s3" not in str(refused.value)
    with wire_server(lambda connection, _: connection.sendall(answer(b"{}", status="403 No"))) as server:
        with pytest.raises(TokenRefused):
            fetch(server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Oh", b"{}"), ("302 Found", b""), ("204 None", b""), ("200 OK", b"<html>"), ("200 OK", b"[]"),
        ("200 OK", b"{}"), ("200 OK", b'{"access_token": 5}'), ("200 OK", b'{"access_token": "a\\r\\nb"}'),
        ("200 OK", b'{"access_token": "x", "token_type": "mac"}'), ("200 OK", b'{"error": "invalid_client"}'),
        ("200 OK", b'{"access_token": "x", "expires_in": "soon"}'), ("200 OK", b"\xff"), ("200 OK", b""),
        ("200 OK", b'{"access_token": "x", "expires_in": 1e999}'),
        ("200 OK", b'{"access_token": "x", "expires_in": 1' + b"0" * 400 + b"}"),
    ],
)  # fmt: skip
def test_what_is_no_token_is_unusable(status, body):
    headers = "Location: /elsewhere\r\n" if status.startswith("302") else ""
    with wire_server(lambda connection, _: connection.sendall(answer(body, status=status, headers=headers))) as server:
        with pytest.raises(TokenUnusable):
            fetch(server.url)
        assert len(server.requests) == 1


def test_two_hundred_first_calls_fetch_one_token():
    endpoint = TokenEndpoint(delay=0.2)
    with wire_server(endpoint) as server, ThreadPoolExecutor(200) as pool:
        tokens = list(pool.map(lambda _: fetch(server.url), range(200)))
    assert (set(tokens), len(endpoint.asked)) == ({"t1"}, 1)


def test_a_second_process_waits_for_the_firsts_fetch():
    """Another process is a memory of its own and the same cache."""
    endpoint = TokenEndpoint()
    with wire_server(endpoint) as server:
        credentials = ClientCredentials(token_url=f"{server.url}/token", client_id="me", client_secret="s3")
        assert shared_cache.lock(f"partner-token-lock:{credentials.key}", seconds=10)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(fetch, server.url)
            time.sleep(0.1)
            assert (endpoint.asked, waiting.done()) == ([], False)
            partner_tokens._share(credentials.key, partner_tokens.Granted("theirs", time.time() + 60, "basic"))
            partner_tokens.forget_tokens()
            assert waiting.result(timeout=1) == "theirs"
    assert endpoint.asked == []


def test_a_fetch_that_ended_just_before_the_lock_was_taken_is_not_repeated(monkeypatch):
    endpoint, add = TokenEndpoint(), shared_cache.add

    def another_was_quicker(key, value, *, seconds):
        name = key.removeprefix("partner-token-lock:")
        partner_tokens._share(name, partner_tokens.Granted("theirs", time.time() + 60, "basic"))
        return add(key, value, seconds=seconds)

    monkeypatch.setattr(shared_cache, "add", another_was_quicker)
    with wire_server(endpoint) as server:
        assert fetch(server.url) == "theirs"
    assert endpoint.asked == []


def test_the_shared_cache_holds_no_readable_token():
    endpoint = TokenEndpoint()
    with wire_server(endpoint) as server:
        credentials = ClientCredentials(token_url=f"{server.url}/token", client_id="me", client_secret="s3")
        fetch(server.url)
        stored = cache.get(f"partner-token:{credentials.key}")
        assert stored is not None
        assert b"t1" not in base64.b64decode(stored[1])
        assert "s3" not in credentials.key
        assert "s3" not in repr(credentials)
        partner_tokens.forget_tokens()
        assert fetch(server.url) == "t1"


def test_new_credentials_do_not_meet_an_old_token():
    with wire_server(TokenEndpoint()) as server:
        assert [fetch(server.url, secret="old"), fetch(server.url, secret="new")] == ["t1", "t2"]


@pytest.mark.parametrize(("expires_in", "again"), [(3600, 1), ("3600", 1), (None, 1), (0, 2), (-5, 2), (3600.5, 1)])
def test_the_stated_life_is_kept(expires_in, again):
    endpoint = TokenEndpoint(expires_in=expires_in)
    with wire_server(endpoint) as server:
        fetch(server.url)
        partner_tokens.forget_tokens()
        fetch(server.url)
    assert len(endpoint.asked) == again


@pytest.mark.parametrize(("life", "used"), [(100, 90), (3600, 3570)])
def test_a_token_is_renewed_shortly_before_its_end(time_machine, life, used):
    endpoint = TokenEndpoint(expires_in=life)
    time_machine.move_to(1_800_000_000, tick=False)
    with wire_server(endpoint) as server:
        fetch(server.url)
        time_machine.shift(used - 1)
        assert fetch(server.url) == "t1"
        time_machine.shift(2)
        assert fetch(server.url) == "t2"


def test_a_401_gets_one_new_token_and_one_repeat():
    tokens = TokenEndpoint()
    seen = []

    def partner(connection, request):
        if request.startswith(b"POST /token"):
            tokens(connection, request)
            return
        seen.append(next(line for line in request.split(b"\r\n") if line.startswith(b"Authorization")))
        connection.sendall(answer(b"no", status="401 No"))

    with wire_server(partner) as server:
        credentials = ClientCredentials(token_url=f"{server.url}/token", client_id="me", client_secret="s3")
        got = send_authorized(Call("GET", f"{server.url}/x"), credentials=credentials, deadline=Deadline.after(5))
    assert (got.status, seen) == (401, [b"Authorization: Bearer t1", b"Authorization: Bearer t2"])
    assert len(tokens.asked) == 2


def test_a_refused_token_is_not_fetched_again_when_another_call_already_did():
    endpoint = TokenEndpoint()
    with wire_server(endpoint) as server:
        first = fetch(server.url)
        assert [fetch(server.url, refused=first) for _ in range(3)] == ["t2"] * 3
    assert len(endpoint.asked) == 2


def test_the_deadline_covers_the_token_and_those_who_wait_for_it():
    with wire_server(TokenEndpoint(delay=1)) as server, ThreadPoolExecutor(3) as pool:
        began = time.monotonic()
        waiting = [pool.submit(fetch, server.url, seconds=0.3) for _ in range(3)]
        assert all(isinstance(one.exception(), DeadlineExceeded) for one in waiting)
        assert time.monotonic() - began < 0.6


def test_a_failed_fetch_fails_those_who_waited_and_is_tried_anew_by_the_next():
    with wire_server(lambda connection, _: (time.sleep(0.1), connection.close())) as server:
        with ThreadPoolExecutor(5) as pool:
            waiting = [pool.submit(fetch, server.url) for _ in range(5)]
            assert all(isinstance(one.exception(), ConnectionCut) for one in waiting)
        assert len(server.requests) == 1
        with pytest.raises(ConnectionCut):
            fetch(server.url)


def test_a_tenant_supplied_token_url_does_not_reach_the_inside():
    with wire_server(TokenEndpoint()) as server, pytest.raises(Refused):
        fetch(server.url, private_allowed=False)
    assert server.requests == []


def test_a_cache_that_is_away_costs_one_try(monkeypatch):
    tries = []

    def away(*args, **kwargs):
        tries.append(args)
        raise redis.exceptions.ConnectionError("away")

    monkeypatch.setattr(shared_cache._cache(), "get", away)
    monkeypatch.setattr(shared_cache._cache(), "add", away)
    monkeypatch.setattr(shared_cache._cache(), "set", away)
    monkeypatch.setattr(shared_cache._Away, "until", 0.0)
    with wire_server(TokenEndpoint()) as server:
        assert fetch(server.url) == "t1"
    assert len(tries) == 1
