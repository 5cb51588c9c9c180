"""``proxy_auth`` in the onboarding file."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter, ValidationError

from orders.access.sealing import MASK
from orders.integrations.onboarding_faults import FileRefused
from orders.integrations.onboarding_report import Report
from orders.models import Tenant
from orders.onboarding.admin_changes import change_tenant
from orders.onboarding.files import apply_file
from orders.onboarding.switching import SwitchRefused, switch_mode
from proxy.credentials import Login, credentials_of, opened, stored_secret
from proxy.models import ProxyConfig
from proxy.onboarding.section import ProxyAuth
from tests.proxy.conftest import set_oauth2

BASIC = {"type": "basic", "config": {"username": "u", "password": "p"}}


@pytest.fixture
def section():
    return ProxyAuth()


def apply(section, tenant, body) -> Report:
    report = Report()
    section.apply(tenant, TypeAdapter(section.annotation).validate_python(body), report)
    return report


def test_it_is_stored_once_and_exported_masked(section, tenant):
    assert section.export(tenant) is None
    assert apply(section, tenant, BASIC).counts == {"created": 1, "changed": 0, "unchanged": 0}
    assert credentials_of(tenant) == Login("u", "p")
    exported = section.export(tenant)
    assert exported == {"type": "basic", "config": {"username": "u", "password": MASK}}
    for again in (BASIC, exported, {"type": "basic", "config": {"username": "u"}}):
        assert apply(section, tenant, again).counts["unchanged"] == 1
    assert (ProxyConfig.objects.count(), ProxyConfig.history.count()) == (1, 1)
    assert credentials_of(tenant) == Login("u", "p")


def test_a_change_is_reported_without_the_secret(section, tenant):
    apply(section, tenant, BASIC)
    report = apply(section, tenant, {"type": "basic", "config": {"username": "v", "password": "other"}})
    assert report.lines == [
        "changed    proxy_auth acme  username: u → v",
        f"changed    proxy_auth acme  password: {MASK} → {MASK}",
    ]
    assert credentials_of(tenant) == Login("v", "other")


def test_a_secret_that_nobody_has_is_refused(section, tenant):
    masked = {"type": "basic", "config": {"username": "u", "password": MASK}}
    assert apply(section, tenant, masked).refusals[0].place == ("proxy_auth", "config", "password")
    apply(section, tenant, BASIC)
    switched = {"type": "oauth2", "config": {"clientId": "c", "authUrl": "https://example.com/token"}}
    assert apply(section, tenant, switched).refusals[0].place == ("proxy_auth", "config", "clientSecret")
    assert credentials_of(tenant) == Login("u", "p")


TOKEN_URL = "https://auth.example.com/token"
OAUTH2 = {"type": "oauth2", "config": {"clientId": "c", "clientSecret": "s3cret", "authUrl": TOKEN_URL}}
ELSEWHERE = "must be entered again: the stored secret would otherwise be sent to another host"


def kept(body, **members):
    """With the mask in the place of the secret."""
    secret = {name: MASK for name in body["config"] if name in ("password", "clientSecret")}
    return {"type": body["type"], "config": {**body["config"], **secret, **members}}


@pytest.mark.parametrize(
    "url", ["https://thief.example/token", "http://auth.example.com/token", "https://auth.example.com:444/token"]
)
@pytest.mark.parametrize("secret", [{}, {"clientSecret": None}])
def test_a_stored_secret_is_not_kept_for_another_token_address(section, tenant, url, secret):
    apply(section, tenant, OAUTH2)
    refused = apply(section, tenant, kept(OAUTH2, authUrl=url, **secret))
    assert [(one.place, one.because) for one in refused.refusals] == [
        (("proxy_auth", "config", "clientSecret"), ELSEWHERE)
    ]
    assert ProxyConfig.objects.get().public["authUrl"] == TOKEN_URL
    assert apply(section, tenant, kept(OAUTH2, authUrl=url, clientSecret="n3w")).refusals == []


def test_a_stored_secret_is_kept_for_another_path_of_the_same_host(section, tenant):
    apply(section, tenant, OAUTH2)
    assert apply(section, tenant, kept(OAUTH2, authUrl="https://AUTH.example.com.:443/v2/token")).refusals == []
    assert stored_secret(ProxyConfig.objects.get()) == "s3cret"


FILE = """
tenants:
- {id: acme, name: Acme, mode: migrating, external_url: "https://%s/api"%s}
"""
HERE, THIEF = "oms.example.com", "thief.example"


def file(host, auth):
    text = f", proxy_auth: {json.dumps(auth)}" if auth else ""
    return apply_file((FILE % (host, text)).encode(), file="acme.yaml", who="olga")


@pytest.mark.parametrize("auth", [BASIC, OAUTH2], ids=["basic", "oauth2"])
def test_a_file_keeps_no_secret_for_another_external_url(db, auth):
    file(HERE, auth)
    for again in (kept(auth), None):
        with pytest.raises(FileRefused, match=r"to another host|stored one would otherwise be sent there"):
            file(THIEF, again)
        assert Tenant.objects.get().external_url == f"https://{HERE}/api"
        file(HERE, again)
    file(THIEF, auth)
    assert Tenant.objects.get().external_url == f"https://{THIEF}/api"


def test_no_other_page_keeps_a_secret_for_another_external_url(db):
    file(HERE, BASIC)
    tenant = Tenant.objects.get()
    tenant.external_url = f"https://{THIEF}/api"
    with pytest.raises(FileRefused, match="enter the secret again"):
        change_tenant(tenant, ["external_url"], who="olga")
    with pytest.raises(SwitchRefused, match="enter the secret again"):
        switch_mode(tenant, "proxy", who="olga", reason="x", external_url=tenant.external_url)
    tenant.external_url = f"https://{HERE}/api/v2"
    change_tenant(tenant, ["external_url"], who="olga")
    stored = Tenant.objects.get()
    assert (stored.mode, stored.external_url) == ("migrating", f"https://{HERE}/api/v2")


def test_an_external_url_that_was_taken_away_meanwhile_is_no_way_around(db):
    file(HERE, BASIC)
    Tenant.objects.update(mode="events", external_url="")
    with pytest.raises(FileRefused, match="stored one would otherwise be sent there"):
        file(THIEF, None)


def test_an_auth_url_is_the_word_of_who_set_it(section, tenant):
    elsewhere = "https://auth.example.com/token"
    set_oauth2(tenant, auth_url=elsewhere, set_by="tenant")
    apply(section, tenant, section.export(tenant))
    config = ProxyConfig.objects.get()
    assert opened(config, stored_secret(config), tenant=tenant).private_allowed is False
    apply(section, tenant, {"type": "oauth2", "config": {"clientId": "another", "authUrl": elsewhere}})
    config.refresh_from_db()
    assert opened(config, stored_secret(config), tenant=tenant).private_allowed is False
    apply(section, tenant, {"type": "oauth2", "config": {"clientId": "hub", "authUrl": f"{elsewhere}/2"}})
    config.refresh_from_db()
    assert opened(config, stored_secret(config), tenant=tenant).private_allowed is True


@pytest.mark.parametrize(
    "body",
    [
        {"type": "digest", "config": {}}, {**BASIC, "more": 1}, {"type": "basic", "config": {"username": "a:b"}},
        {"type": "basic", "config": {"username": "u", "password": 5}},
        {"type": "oauth2", "config": {"clientId": "c", "clientSecret": "s", "authUrl": "nonsense"}},
    ],
)  # fmt: skip
def test_any_other_body_is_a_fault(section, body):
    with pytest.raises(ValidationError):
        TypeAdapter(section.annotation).validate_python(body)
