"""``proxy-config`` over HTTP: exactly two bodies, secrets never shown, verified on request."""

from __future__ import annotations

import json
import time

import pytest
from django.test import Client

from orders.access import bearer_tokens
from orders.documents import Mismatch
from orders.models import ApiClient, Secret
from proxy import credentials, drift
from proxy.models import ProxyConfig
from tests.proxy.conftest import set_basic

BASIC = {"type": "basic", "config": {"username": "u", "password": "p"}}


@pytest.fixture
def api(tenant, monkeypatch):
    """A client of the tenant with the scope, as the token check would find it."""
    caller = bearer_tokens.Caller(
        client=ApiClient(client_id="acme-oms"),
        tenant=tenant,
        scopes=frozenset({"proxy-config:write"}),
        business_units=None,
    )
    monkeypatch.setattr(bearer_tokens, "caller_of", lambda token: caller)
    return Client(headers={"Authorization": "Bearer t"})


def put(api, body, query=""):
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return api.put(f"/api/v1/proxy-config{query}", text, content_type="application/json")


def oauth2_body(oms, **changed):
    return {
        "type": "oauth2",
        "config": {"clientId": "hub", "clientSecret": "se+cr%t", "authUrl": oms.token_url, **changed},
    }


def test_nothing_set_is_404(api):
    assert api.get("/api/v1/proxy-config").status_code == 404


def test_what_is_set_is_shown_masked_and_kept_sealed(api, oms):
    answer = put(api, BASIC)
    masked = {"type": "basic", "config": {"username": "u", "password": "********"}}
    assert (answer.status_code, answer.json()) == (200, masked)
    assert api.get("/api/v1/proxy-config").json() == masked
    other = put(api, oauth2_body(oms))
    assert other.json() == oauth2_body(oms, clientSecret="********")
    assert api.get("/api/v1/proxy-config").json() == other.json()
    assert (ProxyConfig.objects.count(), Secret.objects.count()) == (1, 1)
    assert b"se+cr%t" not in bytes(Secret.objects.get().sealed)
    assert [row.history_change_reason for row in ProxyConfig.history.all()] == ["API client acme-oms"] * 2


def _basic(**config):
    return {"type": "basic", "config": {"username": "u", "password": "p", **config}}


def _oauth2(**config):
    plain = {"clientId": "c", "clientSecret": "s", "authUrl": "https://example.com/token"}
    return {"type": "oauth2", "config": {**plain, **config}}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ([], [""]),
        ({}, ["/type", "/config"]),
        ({**BASIC, "more": 1}, ["/more"]),
        ({**BASIC, "type": "digest"}, ["/type"]),
        ({"type": ["basic"], "config": {}}, ["/type"]),
        ({"type": "basic", "config": "x"}, ["/config"]),
        ({"type": "basic", "config": {}}, ["/config/username", "/config/password"]),
        (_basic(username="u:v", password=5), ["/config/username", "/config/password"]),
        (_basic(username="", password="a\nb"), ["/config/username", "/config/password"]),
        (_basic(password="********"), ["/config/password"]),
        (_basic(**{"a/b": 1}), ["/config/a~1b"]),
        (_oauth2(authUrl="ftp://x"), ["/config/authUrl"]),
        (_oauth2(authUrl="https://u:p@example.com/"), ["/config/authUrl"]),
        (_oauth2(clientSecret="********"), ["/config/clientSecret"]),
        (_oauth2(scope="x"), ["/config/scope"]),
    ],
)
def test_any_other_body_is_400_and_stores_nothing(api, body, pointers):
    answer = put(api, body)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert ProxyConfig.objects.count() == 0


def test_an_auth_url_of_the_inside_is_judged_when_connecting(api, oms):
    assert put(api, oauth2_body(oms, authUrl="https://10.0.0.1/token")).status_code == 200


def test_a_tenant_in_events_mode_is_409(api, tenant):
    tenant.mode = "events"
    tenant.save()
    assert put(api, BASIC).status_code == 409
    tenant.mode = "migrating"
    tenant.save()
    assert put(api, BASIC).status_code == 200


@pytest.mark.parametrize("kind", ["basic", "oauth2"])
def test_verified_credentials_are_stored_with_the_steps_reported(api, oms, kind):
    body = BASIC if kind == "basic" else oauth2_body(oms)
    answer = put(api, body, "?verify=true")
    assert answer.status_code == 200
    steps = answer.json()["verification"]
    token = ["token"] if kind == "oauth2" else []
    assert [step["step"] for step in steps] == ["resolve", "connect", *token, "read", "contract"]
    assert all(step["ok"] and step["ms"] >= 0 and step.keys() == {"step", "ok", "ms", "detail"} for step in steps)
    assert answer.json()["config"].keys() == body["config"].keys()
    assert ProxyConfig.objects.count() == 1


@pytest.mark.parametrize("failing", ["connect", "token", "read"])
def test_credentials_that_do_not_work_are_422_and_keep_what_was_stored(api, oms, tenant, failing):
    set_basic(tenant)
    before = ProxyConfig.objects.get().changed_at
    body = {"type": "basic", "config": {"username": "u", "password": "wrong"}}
    if failing == "token":
        body = oauth2_body(oms, clientSecret="wrong")
    if failing == "connect":
        tenant.external_url = "http://127.0.0.1:9/"
        tenant.save()
    answer = put(api, body, "?verify=true")
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    last = answer.json()["verification"][-1]
    assert (last["step"], last["ok"]) == (failing, False)
    assert last["detail"]
    assert "wrong" not in answer.content.decode()
    assert ProxyConfig.objects.get().changed_at == before
    assert Secret.objects.count() == 1


def test_verification_tells_the_tenant_no_address_of_the_inside(api, oms, tenant, settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    answer = put(api, BASIC, "?verify=true")
    assert answer.status_code == 422
    assert "127.0.0.1" not in answer.content.decode()
    assert "may not connect" in answer.json()["verification"][0]["detail"]


@pytest.mark.parametrize("query", ["?verify=yes", "?verify=", "?unknown=1"])
def test_an_odd_query_is_400(api, query):
    assert put(api, BASIC, query).status_code == 400


def test_drift_is_listed(api, tenant):
    assert api.get("/api/v1/proxy-config/drift").json() == {"drift": []}
    drift.note(tenant.pk, [Mismatch("/customerOrder/x", "no member of this name", "string")])
    (row,) = api.get("/api/v1/proxy-config/drift").json()["drift"]
    assert row.pop("firstSeen") == row.pop("lastSeen")
    assert row == {"pointer": "/customerOrder/x", "expected": "no member of this name", "found": "string", "count": 1}


def test_drift_is_written_by_a_thread_that_ends_when_there_is_none(monkeypatch):
    monkeypatch.undo()
    written = []
    monkeypatch.setattr(drift._Observations, "write_seconds", 0.05)
    monkeypatch.setattr(drift._Observations, "_write", lambda _, seen, count: written.append((seen["pointer"], count)))
    tally = drift._Observations()
    tally.add([drift.Drift(1, "/a", "x", "y")] * 3)
    for _ in range(100):
        if not tally.has_writer:
            break
        time.sleep(0.02)
    assert (written, tally.has_writer) == ([("/a", 3)], False)


def test_when_new_credentials_are_answered_no_process_remembers_the_old(api, tenant, settings, monkeypatch):
    """Another process's memory, a moment old, has ended by then."""
    settings.HUB_EMBEDDED = False
    waited = []
    monkeypatch.setattr(credentials.time, "sleep", waited.append)
    put(api, BASIC)
    assert waited == []
    put(api, BASIC)
    assert waited == [credentials.KEPT_SECONDS]
