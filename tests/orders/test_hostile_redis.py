"""Somebody with access to Redis gets no code run, no token forged and no page broken: its content is not trusted."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import pickle
import time
from dataclasses import replace

import orjson
import pytest
from django.conf import settings
from django.core.cache import cache

from config.celery import app
from orders.access.throttle import Throttle
from orders.api.token import FAILURES
from orders.cache import shared_cache
from orders.cache.json_serializer import LONGEST_BYTES
from orders.outgoing import Call, Deadline, partner_tokens
from orders.outgoing.partner_tokens import ClientCredentials
from orders.values.problems import ExternalBusy
from proxy import breaker
from tests.orders.wire_server import answer, wire_server

pytestmark = pytest.mark.needs_redis

CREDENTIALS = ClientCredentials(token_url="https://oms.example/token", client_id="me", client_secret="s3")
NO_COUNT = (b"x", b"[1]", b'{"a": 1}', b"true", b'"9"', b"1e400", b"9" * 30, b"\xff\xfe", b"[" * 5000)


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


@pytest.fixture
def plant(empty_redis):
    """Writes bytes where the hub looks for a key of its own."""

    def write(key: str, value: bytes) -> None:
        empty_redis.set(cache.make_key(key), value)

    return write


@pytest.fixture
def pickled(tmp_path):
    """A pickle that makes a folder, and the folder."""
    place = tmp_path / "code-was-run"
    return pickle.dumps(Planted(place)), place


def token_request(client, client_id):
    login = base64.b64encode(f"{client_id}:wrong".encode()).decode()
    return client.post(
        "/oauth2/token",
        "grant_type=client_credentials",
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {login}"},
    )


def test_the_planted_pickle_would_run_where_pickles_are_read(pickled):
    value, place = pickled
    pickle.loads(value)
    assert place.is_dir()


@pytest.mark.django_db
def test_a_pickle_on_a_throttles_key_is_not_run_and_the_token_endpoint_goes_on(plant, pickled, monkeypatch, client):
    value, place = pickled
    asked = []
    key_of = Throttle._key

    def planted_first(self, caller):
        plant(key_of(self, caller), value)
        asked.append(caller)
        return key_of(self, caller)

    monkeypatch.setattr(Throttle, "_key", planted_first)
    assert token_request(client, "nobody").status_code == 401
    assert asked != []
    assert not place.exists()


def test_a_pickle_is_a_miss_for_every_reader_of_the_cache(plant, pickled):
    value, place = pickled
    for key in ("k", f"partner-token:{CREDENTIALS.key}", breaker._key(1, "failures"), breaker._key(1, "open")):
        plant(key, value)
    breaker.forget()
    assert (cache.get("k"), shared_cache.get("k"), shared_cache.get_many(["k"])) == (None, None, {})
    assert partner_tokens._shared(CREDENTIALS.key) is None
    assert breaker.state(1) == "closed"
    assert not place.exists()


@pytest.mark.parametrize("value", NO_COUNT)
def test_a_count_of_another_type_or_shape_is_none(plant, value):
    throttle = Throttle("t", most=2, seconds=3600)
    plant(throttle._key("me"), value)
    throttle.check("me")
    assert shared_cache.get_count(throttle._key("me")) == 0
    assert throttle.count("me") > 0
    assert not shared_cache.is_away()


def test_a_value_larger_than_the_hub_keeps_is_taken_for_none_unread(plant, monkeypatch):
    longest = b'"' + b"a" * (LONGEST_BYTES - 2) + b'"'
    plant("k", longest)
    assert shared_cache.get("k") == "a" * (LONGEST_BYTES - 2)
    monkeypatch.setattr(orjson, "loads", lambda data: pytest.fail("it is parsed"))
    plant("k", longest + b" ")
    assert (shared_cache.get("k"), shared_cache.get_many(["k"])) == (None, {})


@pytest.mark.parametrize("write", ["rpush", "sadd"])
def test_a_key_of_another_redis_type_is_a_miss_and_the_cache_is_not_left_alone(empty_redis, write):
    getattr(empty_redis, write)(cache.make_key("k"), "1")
    assert (shared_cache.get("k"), shared_cache.get_many(["k"])) == (None, {})
    assert shared_cache.count("k", seconds=5) == 1
    assert (shared_cache.get("k"), shared_cache.is_away()) == (1, False)


@pytest.mark.parametrize(
    "value",
    [b"1", b"[]", b'["a"]', b'["k1", 5]', b'["k1", "%%%"]', b'["k1", "AAAA"]', b'["gone", "AAAA"]', b'{"k1": "AAAA"}'],
)
def test_a_partners_token_of_another_shape_is_fetched_anew(plant, value):
    plant(f"partner-token:{CREDENTIALS.key}", value)
    assert partner_tokens._shared(CREDENTIALS.key) is None


def test_a_partners_token_cannot_be_moved_to_another_partners_key(empty_redis, plant):
    partner_tokens._share("theirs", partner_tokens.Granted("t1", time.time() + 60, "basic"))
    plant("partner-token:mine", empty_redis.get(cache.make_key("partner-token:theirs")))
    assert partner_tokens._shared("theirs").token == "t1"
    assert partner_tokens._shared("mine") is None


@pytest.mark.parametrize(
    "opened", ["[1]", "[]", '"open"', "[true, true]", '["a", "b"]', "[{until}, 1e6]", "[{until}, -1.0]", "[1e30, 15.0]"]
)
def test_a_breaker_is_not_opened_by_what_no_process_could_have_shared(plant, opened):
    plant(breaker._key(1, "open"), opened.replace("{until}", str(time.time() + 60)).encode())
    breaker.forget()
    assert breaker.state(1) == "closed"


def test_a_breaker_that_another_process_opened_is_open_here(plant):
    plant(breaker._key(1, "open"), json.dumps([time.time() + 10.0, 15.0]).encode())
    breaker.forget()
    assert breaker.state(1) == "open"


PLANTED_LOCKS = (b"1", b"true", b'"x"', b"[]", b"0.0", b"-1.5", b"1e300", b"9e99", b"{future}", b"{past}")


def planted_lock(value):
    return value.replace(b"{future}", str(time.time() + 3_600).encode()).replace(b"{past}", b"1700000000.5")


@pytest.mark.parametrize("value", PLANTED_LOCKS)
def test_a_planted_lock_bars_no_probe_of_a_service_that_is_back(plant, empty_redis, value):
    plant(breaker._key(1, "open"), json.dumps([time.time() - 1.0, 15.0]).encode())
    plant(breaker._key(1, "probe"), planted_lock(value))
    breaker.forget()
    assert breaker.state(1) == "half-open"
    breaker.admit(1)
    with pytest.raises(ExternalBusy):
        breaker.admit(1)
    assert 0 < empty_redis.ttl(cache.make_key(breaker._key(1, "probe"))) <= breaker.PROBE_SECONDS


@pytest.mark.parametrize("value", PLANTED_LOCKS)
def test_a_planted_lock_keeps_nobody_from_fetching_a_token(plant, settings, value):
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    granted = answer(b'{"access_token":"t1","token_type":"Bearer"}', headers="Content-Type: application/json\r\n")
    with wire_server(lambda wire, _: wire.sendall(granted)) as server:
        mine = replace(CREDENTIALS, token_url=f"{server.url}/token")
        plant(f"partner-token-lock:{mine.key}", planted_lock(value))
        call = Call("GET", f"{server.url}/", destination="t")
        assert partner_tokens.token_for(mine, call=call, deadline=Deadline.after(5)) == "t1"


def test_a_lock_of_another_process_holds_until_it_ends(empty_redis, time_machine):
    assert shared_cache.lock("k", seconds=10)
    assert not shared_cache.lock("k", seconds=10)
    empty_redis.persist(cache.make_key("k"))
    time_machine.move_to(time.time() + 11)
    assert shared_cache.lock("k", seconds=10)


@pytest.mark.parametrize("value", [b"-1", b"-1000000", b"-9223372036854775808"])
def test_a_negative_count_is_begun_anew_and_opens_a_breaker_in_time(plant, value):
    plant("k", value)
    assert [shared_cache.count("k", seconds=5) for _ in range(3)] == [1, 2, 3]
    plant(breaker._key(1, "failures"), value)
    breaker.forget()
    for _ in range(settings.HUB_BREAKER_FAILURES):
        breaker.failed(1)
    assert breaker.state(1) == "open"


def test_everything_kept_in_redis_is_json(empty_redis):
    partner_tokens._share("k", partner_tokens.Granted("t1", time.time() + 60, "basic"))
    FAILURES.count("me")
    breaker.forget()
    for _ in range(settings.HUB_BREAKER_FAILURES):
        breaker.failed(1)
    stored = {key: empty_redis.get(key) for key in empty_redis.scan_iter()}
    assert len(stored) == 4
    assert all(json.loads(value) is not None for value in stored.values())


def test_celery_takes_json_only():
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_accept_content in (None, ["json"])
    assert app.conf.task_serializer == app.conf.result_serializer == app.conf.event_serializer == "json"
