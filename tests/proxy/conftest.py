"""A tenant in proxy mode with a real OMS on loopback."""

from __future__ import annotations

import ipaddress

import pytest
from django.core.cache import cache

from orders.models import Tenant
from orders.outgoing import partner_tokens
from orders.telemetry import unknown_content
from orders.telemetry.counted_rows import CountedRows
from proxy import breaker, bulkhead, credentials, drift
from proxy.models import ProxyConfig
from proxy.simulator.server import MockOms

ORDER = {
    "customerOrderId": "1001",
    "customerId": "c-77",
    "status": "CREATED",
    "items": [{"itemId": "BEAN-1", "quantityOrdered": 2, "unitPrice": 19.9}],
}


@pytest.fixture(autouse=True)
def _a_process_of_its_own(settings, monkeypatch):
    """Nothing remembered, loopback allowed, and drift written only when a test says so."""
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    monkeypatch.setattr(CountedRows, "write_until_empty", lambda tally: None)
    for memory in (breaker, bulkhead, drift._observations, unknown_content._observations):
        memory.forget()
    partner_tokens.forget_tokens()
    credentials.forget_credentials()
    cache.clear()


@pytest.fixture
def oms():
    with MockOms(basic=("u", "p"), client=("hub", "se+cr%t")) as oms:
        yield oms


@pytest.fixture
def tenant(db, oms):
    return Tenant.objects.create(
        slug="acme", name="Acme", mode="proxy", external_url=oms.api_url, status_map={"NEW": "CREATED"}
    )


@pytest.fixture
def basic(tenant):
    return set_basic(tenant)


@pytest.fixture
def oauth2(tenant, oms):
    return set_oauth2(tenant, auth_url=oms.token_url)


def set_basic(tenant, *, password="p"):
    config = ProxyConfig(tenant=tenant, type="basic", public={"username": "u"}, set_by="ops")
    credentials.store(config, password)
    return config


def set_oauth2(tenant, *, auth_url, set_by="tenant"):
    config = ProxyConfig(tenant=tenant, type="oauth2", public={"clientId": "hub", "authUrl": auth_url}, set_by=set_by)
    credentials.store(config, "se+cr%t")
    return config
