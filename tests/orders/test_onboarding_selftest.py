"""The self-test tries every connection of a tenant once, creates nothing and keeps the report."""

from __future__ import annotations

import ipaddress
import json
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from oauth2_provider.models import AccessToken

from orderflow.models import OrderFlowChannel, WarehouseOrder
from orderflow.simulator.server import MockOrderFlow
from orderflow.site.credentials import store_password
from orders.integrations import self_test as trials
from orders.models import ApiClient, Delivery, Destination, Order, OrderEvent, OrderQueue, SelfTest, Tenant
from orders.onboarding.self_test import core_checks, in_process_client, running
from orders.onboarding.self_test.reports import as_html, as_json, as_text
from orders.onboarding.self_test.running import lines_of, self_test
from proxy.models import ProxyConfig
from proxy.simulator.server import MockOms
from suppliers.models import Supplier, Webhook
from suppliers.simulator.server import MockSupplier
from suppliers.webhooks import webhook_secrets

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    settings.HUB_PUBLIC_URL = "http://127.0.0.1:9"


@pytest.fixture
def beans(acme):
    """A supplier whose receiver checks signatures."""
    with MockSupplier() as receiver:
        supplier = Supplier.objects.create(tenant=acme, slug="beans", name="Beans Ltd", item_patterns=["BEAN-*"])
        destination = Destination.objects.create(tenant=acme, channel="supplier", name="beans")
        webhook = Webhook.objects.create(
            supplier=supplier, destination=destination, url=receiver.hook_url, events=["order_created"]
        )
        receiver.signing_secrets = [webhook_secrets.set_signing_secret(webhook)]
        yield receiver


@pytest.fixture
def warehouse(acme):
    with MockOrderFlow(users={"philz": "pass"}) as site:
        destination = Destination.objects.create(tenant=acme, channel="orderflow", name="main")
        site.row = OrderFlowChannel.objects.create(
            destination=destination, base_url=site.base_url, channel="MYCHANNEL", username="philz",
            item_patterns=["BEAN-?*"], require_delivery_address=True,
        )  # fmt: skip
        store_password(site.row, "pass")
        yield site


def lines_by_name(run):
    return {f"{line.area}: {line.step}": line for line in lines_of(run)}


def outcomes(run):
    return {name: line.outcome for name, line in lines_by_name(run).items()}


def test_every_connection_of_a_tenant_is_tried(acme, beans, warehouse):
    run = self_test(acme, who="maria")
    assert outcomes(run) == {
        "API: token": "ok",
        "API: read one order": "ok",
        "API: search": "ok",
        "API: contract": "ok",
        "API: public address": "not applicable",
        "external service: proxied read": "not applicable",
        "suppliers: signed test event to Beans Ltd": "ok",
        "warehouses: XML dry run of main": "ok",
        "warehouses: login and channel of main": "ok",
    }
    assert (run.who, run.failed, run.tenant) == ("maria", 0, acme)
    assert "curl -i http://127.0.0.1:9/livez" in lines_by_name(run)["API: public address"].detail


def test_it_creates_no_order_and_no_delivery(acme, beans, warehouse):
    self_test(acme, who="maria")
    for model in (Order, OrderQueue, OrderEvent, Delivery, WarehouseOrder):
        assert not model.objects.exists(), model
    assert {call.method for call in warehouse.calls} == {"GET"}
    assert [event["orderToken"] for event in beans.events if event["verified"] is not True] == []
    assert len(beans.events) == 1


def test_its_client_and_token_are_removed_afterwards_also_when_a_run_was_lost(acme):
    self_test(acme, who="maria")
    assert not ApiClient.objects.filter(client_id__startswith="selftest.").exists()
    assert not AccessToken.objects.exists()
    lost = core_checks.trials(acme, who="maria")
    next(lost)
    assert ApiClient.objects.filter(client_id__startswith="selftest.acme.").count() == 1
    self_test(acme, who="maria")
    assert not ApiClient.objects.filter(client_id__startswith="selftest.").exists()


def test_what_fails_gives_the_reason_and_what_to_do(acme, beans, warehouse):
    beans.signing_secrets = ["whsec_" + "QUJD" * 10]
    store_password(warehouse.row, "wrong")
    lines = lines_by_name(self_test(acme, who="maria"))
    event = lines["suppliers: signed test event to Beans Ltd"]
    assert event.outcome == "failed"
    assert "Check the address, the signing secret and the login with Beans Ltd" in event.next_step
    login = lines["warehouses: login and channel of main"]
    assert login.outcome == "failed"
    assert "user name and password" in login.detail.lower()
    assert lines["warehouses: XML dry run of main"].outcome == "ok"


def test_a_stopped_tenants_api_is_not_applicable_and_its_partners_are_tried(acme, beans):
    Tenant.objects.update(active=False)
    acme.refresh_from_db()
    found = outcomes(self_test(acme, who="maria"))
    assert found["API: token"] == found["API: read one order"] == found["API: search"] == "not applicable"
    assert found["suppliers: signed test event to Beans Ltd"] == "ok"


def test_a_proxied_tenant_is_read_through(make_tenant):
    from proxy import breaker, credentials

    breaker.forget()
    with MockOms(basic=("u", "p")) as oms:
        bolt = make_tenant("bolt", mode="proxy", external_url=oms.api_url)
        found = lines_by_name(self_test(bolt, who="maria"))
        assert found["external service: proxied read"].outcome == "failed"
        assert "No credentials are set" in found["external service: proxied read"].detail
        config = ProxyConfig(tenant=bolt, type="basic", public={"username": "u"}, set_by="ops")
        credentials.store(config, "p")
        run = self_test(bolt, who="maria")
    assert outcomes(run)["external service: proxied read"] == "ok"
    assert outcomes(run)["API: read one order"] == "ok"
    assert run.failed == 0


def test_the_api_is_asked_through_the_whole_request_handling(acme):
    answer = in_process_client.call("GET", "/api/v1/business-units/a%2Fb/customer-orders/1?x=y")
    assert answer.status == 401
    assert answer.json()["type"] == "urn:orderhub:problem:not-authenticated"


def test_a_request_under_way_keeps_its_correlation_id(acme):
    from orders.http.correlation import correlation_id

    mine = correlation_id()
    in_process_client.call("GET", "/livez")
    assert correlation_id() == mine


def test_the_network_is_never_called_in_a_transaction(acme, beans, monkeypatch):
    """The test's own transaction is one savepoint deep; a trial that opened another would be deeper."""
    depths = []
    real = running._found
    monkeypatch.setattr(running, "_found", lambda trial: depths.append(len(connection.savepoint_ids)) or real(trial))
    self_test(acme, who="maria")
    assert set(depths) == {len(connection.savepoint_ids)}


def test_no_line_is_begun_when_the_time_is_over(acme, beans, monkeypatch):
    monkeypatch.setattr(running, "RUN_SECONDS", 0.0)
    run = self_test(acme, who="maria")
    assert set(outcomes(run).values()) == {"not applicable"}
    assert beans.events == []


def test_the_newest_runs_of_each_tenant_are_kept(acme, make_tenant, monkeypatch):
    monkeypatch.setattr(running, "RUN_SECONDS", 0.0)
    monkeypatch.setattr(running, "KEPT", 2)
    other = self_test(make_tenant("bolt"), who="maria")
    made = [self_test(acme, who="maria").pk for _ in range(4)]
    assert sorted(SelfTest.objects.values_list("pk", flat=True)) == [other.pk, *made[2:]]


def test_a_fault_of_ours_is_one_failed_line(acme, monkeypatch):
    monkeypatch.setattr("orders.onboarding.self_test.core_checks._contract", lambda: 1 / 0)
    run = self_test(acme, who="maria")
    assert lines_by_name(run)["API: contract"].detail == "The hub itself failed while trying it."
    assert run.failed == 1


def test_the_report_is_text_html_and_json(acme):
    Tenant.objects.update(name="Acme <b>")
    run = SelfTest.objects.get(pk=self_test(acme, who="maria").pk)
    text = as_text(run)
    assert text.startswith("Self-test of Acme <b> (acme), events mode\n")
    assert "ok             API: token (" in text
    assert json.loads(as_json(run))["lines"] == run.lines
    html = as_html(run)
    assert "Acme &lt;b&gt;" in html
    assert "<b>" not in html


def test_the_command_prints_the_report_and_exits_1_on_a_failure(acme, capsys, monkeypatch):
    call_command("selftest", "acme")
    assert "API: token" in capsys.readouterr().out
    assert SelfTest.objects.get().who.endswith("on the command line")
    call_command("selftest", "acme", json=True)
    assert json.loads(capsys.readouterr().out)["tenant"] == "acme"
    with pytest.raises(CommandError, match=r"There is no tenant 'bolt'\. Known are: acme\."):
        call_command("selftest", "bolt")
    monkeypatch.setattr(
        "orders.onboarding.self_test.core_checks._contract", lambda: trials.failed("Broken.", "Mend it.")
    )
    with pytest.raises(CommandError, match="1 of "):
        call_command("selftest", "acme")
    assert "Next: Mend it." in capsys.readouterr().out


def test_words_of_a_partner_that_no_database_takes_cost_no_run(acme, monkeypatch):
    def one(tenant, *, who):
        yield trials.Trial("service", "a read", lambda: trials.failed("breaks it at /a\x00b\ud800", "Mend it."))

    monkeypatch.setattr(running, "integrations", lambda: [SimpleNamespace(self_test=one)])
    run = self_test(acme, who="maria")
    assert run.lines[-1]["detail"] == "breaks it at /a\ufffdb?"
