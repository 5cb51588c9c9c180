"""The onboarding page: what each step stores, that nothing is live before "Switch on", what is shown once, to whom."""

from __future__ import annotations

import ipaddress
import re
import subprocess

import pytest
from django.contrib.auth.hashers import check_password
from django.urls import reverse

from orderflow.models import OrderFlowChannel
from orderflow.simulator.server import MockOrderFlow
from orders.access.staff import OPERATOR, SUPPORT, TENANT_ADMIN, give_role
from orders.models import ApiClient, Handover, OperatorAction, SelfTest, Tenant
from orders.onboarding.handover import hand_over, paste_lines
from proxy.simulator.server import MockOms
from suppliers.models import Supplier
from suppliers.simulator.server import MockSupplier

pytestmark = pytest.mark.django_db

START = {
    "name": "Acme Retail", "mode": "events", "country": "dk", "time_zone": "Europe/Copenhagen",
    "unknown_members": "warn", "case_type": "contentClaim", "not_fetched_after_minutes": "30",
}  # fmt: skip
SUPPLIER = {"name": "Beans Ltd", "item_patterns": "BEAN-*\nTEA-?", "auth": "none", "do": "save:suppliers"}
CHANNEL = {
    "slug": "main", "channel": "MYCHANNEL", "auth": "headers", "username": "philz", "password": "pass",
    "item_patterns": "*", "time_zone": "Europe/London", "currency_units": "pounds", "do": "save:warehouses",
}  # fmt: skip


@pytest.fixture
def operator(client, db):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    return client


@pytest.fixture
def loopback(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_PUBLIC_URL = "http://127.0.0.1:9"


@pytest.fixture
def acme(operator):
    operator.post(reverse("admin:orders_tenant_add"), START)
    return Tenant.objects.get(slug="acme-retail")


def guide(tenant):
    return reverse("admin:orders_tenant_onboard", args=(tenant.pk,))


def press(client, tenant, **data):
    response = client.post(guide(tenant), data)
    assert response.status_code in (200, 302), response.status_code
    return response.content.decode()


def test_a_tenant_begins_switched_off_with_an_id_made_of_its_name(acme):
    assert (acme.slug, acme.name, acme.active, acme.mode) == ("acme-retail", "Acme Retail", False, "events")
    assert acme.history.get().history_change_reason == "onboarding by olga"


def test_the_first_page_has_five_steps_and_plain_errors_beside_the_fields(operator):
    html = operator.get(reverse("admin:orders_tenant_add")).content.decode()
    assert re.findall(r'onboard-number">(\d)<', html) == ["1", "2", "3", "4", "5"]
    html = operator.post(reverse("admin:orders_tenant_add"), START | {"mode": "proxy", "slug": "Not A Slug"}).content
    assert b"Enter the tenant&#x27;s external URL: in proxy mode orders are read from it." in html
    assert b"Use a-z, 0-9 and hyphens, at most 63, no hyphen first." in html
    assert not Tenant.objects.exists()


def test_a_client_saved_while_the_tenant_is_off_shows_its_secret_at_the_switch_and_only_then(operator, acme, loopback):
    press(operator, acme, client_id="acme-oms", scopes=["customer-orders:read"], business_units="", do="save:clients")
    made = ApiClient.objects.get(client_id="acme-oms")
    assert (made.scopes, made.business_units) == (["customer-orders:read"], None)
    assert Handover.objects.get().client == made
    html = press(operator, acme, do="switch-on", reason="all is tested")
    secret = re.search(r'id="secret-1">([^<]+)<', html)[1]
    made.refresh_from_db()
    assert check_password(secret, made.client_secret)
    assert f"acme-oms:{secret}" in html
    assert not Handover.objects.exists()
    acme.refresh_from_db()
    assert acme.active is True
    assert SelfTest.objects.get(tenant=acme).failed == 0
    action = OperatorAction.objects.get(action="switch on")
    assert (action.who, action.reason, action.subject) == ("olga", "all is tested", f"tenant:{acme.pk}")
    assert secret not in operator.get(guide(acme)).content.decode()


def test_an_answer_with_secrets_is_kept_by_no_cache(operator, acme):
    response = operator.post(guide(acme), SUPPLIER | {"url": "https://beans.example/hook"})
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert "whsec_" in response.content.decode()
    assert "whsec_" not in operator.get(guide(acme)).content.decode()


def test_nothing_is_switched_on_without_a_client_or_a_reason(operator, acme):
    assert "Add at least one API client" in press(operator, acme, do="switch-on", reason="x")
    press(operator, acme, client_id="acme-oms", scopes=["customer-orders:read"], do="save:clients")
    assert "Write a reason first; nothing was changed." in press(operator, acme, do="switch-on", reason=" ")
    acme.refresh_from_db()
    assert acme.active is False


def test_a_secret_that_somebody_saw_is_not_made_anew_at_the_switch(operator, acme):
    from orders.access.clients import rotate_secret

    press(operator, acme, client_id="acme-oms", scopes=["customer-orders:read"], do="save:clients")
    rotate_secret(ApiClient.objects.get())
    assert hand_over(acme) == []


def test_a_supplier_is_notified_and_tested_from_its_step(operator, acme, loopback):
    with MockSupplier() as receiver:
        html = press(operator, acme, **SUPPLIER, url=receiver.hook_url, events=["order_updated"])
        receiver.signing_secrets = [re.search(r"whsec_[^<]+", html)[0]]
        html = press(operator, acme, do="test:suppliers")
        assert "signed test event to Beans Ltd" in html
        assert ">ok<" in html
        assert [event["verified"] for event in receiver.events] == [True]
    beans = Supplier.objects.get()
    assert (beans.slug, beans.item_patterns, beans.api_client.client_id) == (
        "beans-ltd", ["BEAN-*", "TEA-?"], "acme-retail-beans-ltd",
    )  # fmt: skip
    assert beans.webhook.events == ["order_created", "order_updated"]


def test_changing_a_supplier_keeps_its_secrets_and_what_the_form_does_not_show(operator, acme):
    press(operator, acme, **SUPPLIER, url="https://beans.example/hook")
    beans = Supplier.objects.get()
    beans.webhook.destination.concurrency = 9
    beans.webhook.destination.save()
    page = operator.get(f"{guide(acme)}?item=suppliers:beans-ltd").content.decode()
    assert 'value="https://beans.example/hook"' in page
    more = {
        "slug": "beans-ltd",
        "item": "beans-ltd",
        "url": "https://beans.example/new",
        "client_id": "acme-retail-beans-ltd",
    }
    assert "whsec_" not in press(operator, acme, **(SUPPLIER | more | {"name": "Beans & Co"}))
    beans.refresh_from_db()
    assert (beans.name, beans.webhook.url) == ("Beans & Co", "https://beans.example/new")
    assert beans.webhook.destination.concurrency == 9


def test_a_fault_stands_beside_its_field(operator, acme):
    html = press(operator, acme, **SUPPLIER, url="ftp://beans")
    field = html[html.index('id="suppliers-url"') :]
    assert field.index("This must be an http(s) URL") < field.index('id="suppliers-auth')
    assert not Supplier.objects.exists()
    Tenant.objects.create(slug="bolt", name="Bolt", mode="events").api_clients.create(
        client_id="taken", client_type="confidential", authorization_grant_type="client-credentials"
    )
    html = press(operator, acme, client_id="taken", scopes=["customer-orders:read"], do="save:clients")
    assert "&#x27;taken&#x27; is already another client&#x27;s; choose another." in html
    assert "Tick at least one." in press(operator, acme, client_id="acme-oms", do="save:clients")


def test_a_warehouse_is_set_up_and_tried_without_an_import(operator, acme, loopback):
    with MockOrderFlow(users={"philz": "pass"}) as site:
        press(operator, acme, **CHANNEL, base_url=site.base_url)
        html = press(operator, acme, do="test:warehouses")
        assert "XML dry run of main" in html
        assert "knows the login and the channel MYCHANNEL" in html
        assert {call.method for call in site.calls} == {"GET"}
    assert OrderFlowChannel.objects.get().currency_units == "pounds"
    html = press(operator, acme, **(CHANNEL | {"slug": "other", "password": "", "base_url": site.base_url}))
    assert "Enter the password that the warehouse gave." in html
    assert OrderFlowChannel.objects.count() == 1


def test_a_proxied_tenant_needs_credentials_and_tests_its_service(operator, loopback, db):
    from proxy import breaker, credentials

    breaker.forget()
    credentials.forget_credentials()
    with MockOms(basic=("u", "p")) as oms:
        operator.post(reverse("admin:orders_tenant_add"), START | {"mode": "proxy", "external_url": oms.api_url})
        tenant = Tenant.objects.get()
        press(operator, tenant, client_id="till", scopes=["customer-orders:read"], do="save:clients")
        assert "Enter the credentials of the tenant&#x27;s order service" in press(
            operator, tenant, do="switch-on", reason="x"
        )
        login = {"external_url": oms.api_url, "type": "basic", "username": "u", "do": "save:service"}
        assert "This is needed: none is stored yet." in press(operator, tenant, **login)
        press(operator, tenant, **login, password="p")
        html = press(operator, tenant, do="test:service")
        assert "proxied read" in html
        assert ">ok<" in html
        html = press(operator, tenant, do="switch-on", reason="tested")
    assert "is switched on" in html
    assert SelfTest.objects.get().failed == 0


def test_support_reads_the_page_and_can_do_nothing(client, operator, acme):
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    html = client.get(guide(acme)).content.decode()
    assert 'name="do"' not in html
    for data in (SUPPLIER, {"do": "test:suppliers"}, {"do": "switch-on", "reason": "x"}):
        assert client.post(guide(acme), data).status_code == 403
    assert client.get(reverse("admin:orders_tenant_add")).status_code == 403
    assert not Supplier.objects.exists()


def test_a_tenant_admin_sees_its_own_tenant_only(client, operator, acme):
    bolt = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    client.force_login(give_role("ada", role=TENANT_ADMIN, tenant=bolt, password="pass-of-ada").user)
    names = ("onboard", "export", "self_test", "switch_mode", "switch_active")
    assert client.get(guide(bolt)).status_code == 200
    assert client.get(reverse("admin:orders_tenant_export", args=(bolt.pk,))).status_code == 200
    for name in names:
        assert client.get(reverse(f"admin:orders_tenant_{name}", args=(acme.pk,))).status_code == 403, name
    for name in ("self_test", "switch_mode", "switch_active"):
        assert client.post(reverse(f"admin:orders_tenant_{name}", args=(bolt.pk,)), {}).status_code == 403, name
    assert client.post(guide(bolt), {"do": "test:suppliers"}).status_code == 403
    assert client.get(reverse("admin:orders_tenant_onboarding_file")).status_code == 403


def test_a_self_test_is_run_kept_and_downloaded_in_three_forms(client, operator, acme, loopback):
    page = reverse("admin:orders_tenant_self_test", args=(acme.pk,))
    assert "No order is made." in operator.get(page).content.decode()
    assert not SelfTest.objects.exists()
    report = operator.post(page)["Location"]
    assert "API: contract" in operator.get(report).content.decode()
    run = SelfTest.objects.get()
    assert run.who == "olga"
    for form, kind in (("txt", "text/plain"), ("html", "text/html"), ("json", "application/json")):
        answer = operator.get(reverse("admin:orders_selftest_report", args=(run.pk, form)))
        assert answer.headers["Content-Type"].startswith(kind)
        assert f".{form}" in answer.headers["Content-Disposition"]
    assert operator.get(reverse("admin:orders_selftest_report", args=(run.pk, "exe"))).status_code == 404
    bolt = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    client.force_login(give_role("ada", role=TENANT_ADMIN, tenant=bolt, password="pass-of-ada").user)
    assert client.get(reverse("admin:orders_selftest_report", args=(run.pk, "txt"))).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_the_lines_to_paste_work_in_a_shell(live_server, settings, make_tenant, make_client, apply_all):
    settings.HUB_PUBLIC_URL = live_server.url
    tenant = make_tenant("acme")
    secret = "a'b \"c$d correct-horse-battery-staple"
    made = make_client(tenant, "acme-oms", business_units=["store 1"])
    made.client_secret = secret
    made.save()
    lines = paste_lines(made, secret)
    script = "\n".join(line.text for line in lines)
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.findall(r"HTTP/1.1 (\d+)", said) == ["202", "404", "200"]
    apply_all()
    again = "\n".join(line.text for line in (lines[0], lines[2]))
    said = subprocess.run(["bash", "-c", again], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "HTTP/1.1 200" in said
    assert '"customerOrderId":"first-order"' in said.replace(" ", "")
