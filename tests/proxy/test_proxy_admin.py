"""The proxy's pages: a connection test step by step, drift, and what needs a person."""

from __future__ import annotations

import re

import pytest

from orders.access.staff import OPERATOR, TENANT_ADMIN, give_role
from orders.models import Tenant
from proxy import breaker
from proxy.attention import problems
from proxy.models import ContractDrift
from tests.proxy.conftest import ORDER

pytestmark = pytest.mark.django_db


def page_of(config):
    return f"/admin/proxy/proxyconfig/{config.pk}/test-connection/"


def words(response):
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def steps(html):
    """(step, result, detail) of each line; each has its time."""
    lines = re.findall(r"<td>([a-z]+)</td> <td><span[^>]*>(\w+)</span></td> <td>\d+ ms</td> <td>(.*?)</td>", html)
    assert len(lines) == html.count(" ms</td>")
    return lines


def test_nothing_is_asked_before_the_button(root, oauth2, oms):
    html = words(root.get(page_of(oauth2)))
    assert "Nothing is changed there" in html
    assert (steps(html), oms.received) == ([], [])


def test_each_step_is_a_line_with_its_time(root, oauth2, oms):
    oms.add_order("store-1", ORDER)
    html = words(root.post(page_of(oauth2), {"unit": "store-1", "order": "1001"}))
    assert [line[:2] for line in steps(html)] == [
        (step, "ok") for step in ("resolve", "connect", "token", "read", "search", "contract")
    ]
    assert "Every step passed" in html
    oms.fail(missing="status", on="GET ")
    html = words(root.post(page_of(oauth2), {"unit": "store-1", "order": "1001"}))
    assert steps(html)[-1][:2] == ("contract", "failed")
    assert "/customerOrder/status" in steps(html)[-1][2]
    assert "Failed at contract" in html


def test_half_an_order_is_refused_before_anything_is_asked(root, basic, oms):
    assert "together, or neither" in words(root.post(page_of(basic), {"order": "1001"}))
    assert "Nothing was called" in words(root.post(page_of(basic), {"unit": "..", "order": "1001"}))
    assert oms.received == []


def test_staff_of_one_tenant_read_no_addresses(client, basic, tenant, settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    page = page_of(basic)
    client.force_login(give_role("maria", role=OPERATOR, password="pass-of-maria").user)
    assert "HUB_OUTBOUND_ALLOWED_NETWORKS" in words(client.post(page))
    client.force_login(give_role("anna", role=OPERATOR, tenant=tenant, password="pass-of-anna").user)
    html = words(client.post(page))
    assert "HUB_OUTBOUND_ALLOWED_NETWORKS" not in html
    assert "may not connect to this address" in html


def test_who_may_only_look_cannot_test(client, basic, tenant, oms):
    client.force_login(give_role("acme-admin", role=TENANT_ADMIN, tenant=tenant, password="pass-of-acme").user)
    assert client.post(page_of(basic)).status_code == 403
    assert oms.received == []


def test_another_tenants_staff_cannot_test_it(client, basic, oms):
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    client.force_login(give_role("bolt-admin", role=TENANT_ADMIN, tenant=other, password="pass-of-bolt").user)
    assert client.post(page_of(basic)).status_code in (302, 403, 404)
    assert oms.received == []


def test_drift_is_listed_and_cannot_be_changed(root, basic, tenant):
    moment = "2026-11-20T10:00:00Z"
    ContractDrift.objects.create(
        tenant=tenant, pointer="/customerOrder/<b>", expected="no member of this name", found="string", count=3,
        first_seen_at=moment, last_seen_at=moment,
    )  # fmt: skip
    html = words(root.get("/admin/proxy/contractdrift/"))
    assert "/customerOrder/&lt;b&gt;" in html
    assert root.get("/admin/proxy/contractdrift/add/").status_code == 403
    assert "1 place(s) where answers break the contract" in words(
        root.get(f"/admin/proxy/proxyconfig/{basic.pk}/change/")
    )


def test_a_tenant_without_credentials_needs_a_person(root, tenant):
    (line,) = problems(None)
    assert "Acme reads its orders through, but no credentials are set" in line.sentence
    assert "no credentials are set" in words(root.get("/admin/"))
    assert list(problems(tenant.pk + 1)) == []


def test_an_open_breaker_needs_a_person_and_a_working_tenant_nobody(tenant, basic, settings):
    assert list(problems(None)) == []
    settings.HUB_BREAKER_FAILURES = 1
    breaker.failed(tenant.pk)
    (line,) = problems(None)
    assert "is not asked for now" in line.sentence


def test_tenants_in_events_mode_or_switched_off_need_nothing(tenant):
    Tenant.objects.filter(pk=tenant.pk).update(mode="events")
    assert list(problems(None)) == []
    Tenant.objects.filter(pk=tenant.pk).update(mode="proxy", active=False)
    assert list(problems(None)) == []
