"""Onboarding in a real Chromium: from nothing to the first order applied, told to a supplier and imported."""

import ipaddress
import subprocess

import pytest
from django.contrib.auth.models import User

from orderflow.simulator.server import MockOrderFlow
from orders.models import Delivery, Lane, Order, SelfTest, Tenant
from orders.outbox.dispatcher import deliver
from suppliers.simulator.server import MockSupplier
from tests.browser import sign_in
from tests.pages.test_console import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def person(page, live_server, settings):
    """A superuser, signed in; the hub knows its address and may call loopback."""
    settings.HUB_PUBLIC_URL = live_server.url
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    page.set_viewport_size(DESK)
    User.objects.create_superuser("root", password="pass-of-root")
    page.goto(live_server.url + "/")
    sign_in(page, "root", "pass-of-root")
    return Console(page, live_server.url)


def on_the_phone(person, name):
    """A picture at a phone's width, where nothing but tables and code scrolls sideways."""
    person.page.set_viewport_size(PHONE)
    person.picture(f"{name}-phone")
    assert person.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    person.page.set_viewport_size(DESK)


def test_from_nothing_to_the_first_order(person, apply_all):
    page = person.page
    with MockSupplier() as receiver, MockOrderFlow(users={"philz": "pass"}) as site:
        _starts(person)
        _adds_a_client(person)
        _adds_a_supplier(person, receiver)
        _adds_a_warehouse(person, site)
        lines = _switches_on(person)
        assert "HTTP/1.1 202" in _pasted(lines)
        apply_all()
        deliver()
        assert Order.objects.get().customer_order_id == "first-order"
        assert sorted(Delivery.objects.values_list("destination__channel", "status")) == [
            ("orderflow", "delivered"),
            ("supplier", "delivered"),
        ], list(Lane.objects.values())
        assert [one["eventType"] for one in receiver.events if one["verified"]] == ["order_created"] * 3
        assert [order.reference for order in site.site.orders.values()] == ["first-order"]
        person.open("/admin/orders/order/", "onboard-first-order")
        assert page.get_by_text("first-order").first.is_visible()
    assert person.complaints == []


def _starts(person):
    page = person.page
    person.open("/admin/orders/tenant/add/", "onboard-start")
    assert page.locator("#id_external_url").is_hidden()
    page.get_by_label("Proxy: the hub reads orders").check()
    assert page.locator("#id_external_url").is_visible()
    person.press("Save and continue")
    assert page.get_by_text("This field is required.").first.is_visible()
    person.picture("onboard-start-faults")
    on_the_phone(person, "onboard-start-faults")
    page.fill("#id_name", "Acme Retail")
    page.get_by_label("Events: the tenant sends").check()
    page.fill("#id_country", "dk")
    person.press("Save and continue")
    assert page.get_by_text("Nothing of Acme Retail is live yet.").is_visible()
    person.picture("onboard-guide")


def _adds_a_client(person):
    page = person.page
    assert page.locator("#clients-client_id").input_value() == "acme-retail-oms"
    person.press("Save the client")
    assert page.locator("#clients").get_by_text("done", exact=True).is_visible()


def _adds_a_supplier(person, receiver):
    page = person.page
    page.fill("#suppliers-name", "Beans Ltd")
    page.fill("#suppliers-item_patterns", "SAMPLE-*")
    page.fill("#suppliers-url", "beans")
    person.press("Save the supplier")
    assert page.get_by_text("This must be an http(s) URL").is_visible()
    page.fill("#suppliers-url", receiver.hook_url)
    person.press("Save the supplier")
    secret = page.locator("#made-1").text_content()
    person.picture("onboard-signing-secret")
    receiver.signing_secrets = [secret]
    person.press("Send a test event")
    assert page.get_by_role("cell", name="suppliers: signed test event to Beans Ltd").is_visible()
    assert page.locator("#suppliers").get_by_text("ok", exact=True).is_visible()
    assert page.get_by_text(secret).count() == 0


def _adds_a_warehouse(person, site):
    page = person.page
    page.fill("#warehouses-base_url", site.base_url)
    page.fill("#warehouses-channel", "MYCHANNEL")
    page.fill("#warehouses-username", "philz")
    page.fill("#warehouses-password", "wrong")
    person.press("Save the warehouse")
    person.press("Try the XML and the login")
    assert page.locator("#warehouses").get_by_text("failed", exact=True).is_visible()
    person.picture("onboard-test-failed")
    page.get_by_role("link", name="Change main").click()
    page.wait_for_load_state("networkidle")
    page.fill("#warehouses-password", "pass")
    person.press("Save the warehouse")
    person.press("Try the XML and the login")
    assert page.locator("#warehouses").get_by_text("ok", exact=True).count() == 2
    person.picture("onboard-tested")
    on_the_phone(person, "onboard-tested")


def _switches_on(person):
    """The lines to paste for the tenant's own client."""
    page = person.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    assert Tenant.objects.get().active is False
    person.press("Switch on Acme Retail")
    person.picture("onboard-handover")
    on_the_phone(person, "onboard-handover")
    assert page.get_by_text("nothing failed").is_visible()
    card = page.locator("section", has=page.get_by_role("heading", name="acme-retail-oms"))
    card.get_by_role("button", name="Copy the secret").click()
    assert page.evaluate("navigator.clipboard.readText()") == card.locator("code").nth(1).text_content()
    assert SelfTest.objects.get().failed == 0
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the report").click()
    assert download.value.suggested_filename.startswith("self-test-acme-retail-")
    return card.locator("pre").all_text_contents()


def _pasted(lines):
    script = "\n".join(lines[:2])
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_file_is_previewed_and_a_switch_describes_its_effect(person, tmp_path):
    page = person.page
    file = tmp_path / "acme.yaml"
    file.write_text("tenants:\n  - id: acme\n    name: Acme\n    mode: sometimes\n")
    person.open("/admin/orders/tenant/")
    page.get_by_role("link", name="Apply an onboarding file").click()
    page.set_input_files("#file", file)
    person.press("Show what it would change")
    assert page.get_by_text("tenants[0].mode").is_visible()
    person.picture("onboard-file-faults")
    client = "    api_clients: [{client_id: acme-oms, scopes: [customer-orders:read]}]\n"
    file.write_text("tenants:\n  - id: acme\n    name: Acme\n    mode: events\n" + client)
    page.set_input_files("#file", file)
    person.press("Show what it would change")
    person.picture("onboard-file-preview")
    person.press("Apply acme.yaml")
    person.picture("onboard-file-applied")
    assert page.locator("#made-1").is_visible()
    tenant = Tenant.objects.get()
    person.open(f"/admin/orders/tenant/{tenant.pk}/mode/?to=proxy", "switch-mode")
    on_the_phone(person, "switch-mode")
    person.open(f"/admin/orders/tenant/{tenant.pk}/switch/", "switch-off")
    page.fill("input[name=reason]", "their wish")
    person.press("Switch Acme off")
    assert page.get_by_text("Acme is switched off.").is_visible()
    person.picture("tenant-off")
    assert person.complaints == []
