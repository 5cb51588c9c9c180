"""``proxy_auth`` in the onboarding file."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from orders.access.sealing import MASK
from orders.integrations.onboarding_report import Report
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
