"""A tenant whose orders cannot be read through is said to a person."""

import pytest

from orders.models import Tenant
from proxy.attention import problems
from proxy.models import ProxyConfig

pytestmark = pytest.mark.django_db


@pytest.fixture
def reading_through():
    return Tenant.objects.create(slug="bolt", name="Bolt", mode="proxy", external_url="https://oms.example.com/api")


def test_a_proxy_tenant_without_credentials_is_said_with_the_next_step(reading_through):
    [line] = problems(None)
    assert line.sentence.startswith("Bolt reads its orders through, but no credentials are set: every read fails.")
    assert line.url == f"/admin/orders/tenant/{reading_through.pk}/onboard/"
    ProxyConfig.objects.create(tenant=reading_through, type="basic", set_by="ops", public={"username": "u"})
    assert list(problems(None)) == []


def test_an_open_breaker_is_said(reading_through, settings):
    from proxy import breaker

    settings.HUB_BREAKER_FAILURES = 1
    ProxyConfig.objects.create(tenant=reading_through, type="basic", set_by="ops", public={"username": "u"})
    breaker.failed(reading_through.pk)
    [line] = problems(reading_through.pk)
    assert "is not asked for now" in line.sentence


def test_a_tenant_in_events_mode_needs_no_credentials():
    Tenant.objects.create(slug="acme", name="Acme", mode="events")
    assert list(problems(None)) == []
