"""A tenant is onboarded, a file applied and a dead letter cleared by somebody who has a keyboard only."""

import ipaddress

import pytest
from django.contrib.auth.models import User

from orders.dead_letters import bulk_runs
from orders.models import OperatorAction, OrderEvent, RepairRun, Tenant
from suppliers.models import Supplier
from suppliers.simulator.server import MockSupplier
from tests.pages.keyboard import Keyboard
from tests.pages.test_console import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FILE = """\
tenants:
  - id: acme
    name: Acme
    mode: events
    api_clients: [{client_id: acme-oms, scopes: [customer-orders:read]}]
"""


@pytest.fixture
def ada(page, live_server, settings):
    """A superuser, signed in without touching the mouse."""
    settings.HUB_PUBLIC_URL = live_server.url
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    User.objects.create_superuser("ada", password="pass-of-ada")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(live_server.url + "/admin/", wait_until="networkidle")
    Keyboard(page).write("#id_username", "ada").write("#id_password", "pass-of-ada").go()
    return Console(page, live_server.url)


def test_a_tenant_is_onboarded_to_working(ada):
    page, keys = ada.page, Keyboard(ada.page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with MockSupplier() as receiver:
        keys.to("Add the first tenant").go()
        keys.write("Name", "Acme Retail").to("Save and continue").go()
        assert page.get_by_text("Nothing of Acme Retail is live yet.").is_visible()
        keys.to("Save the client").go()
        keys.write("#suppliers-name", "Beans Ltd").write("#suppliers-item_patterns", "BEAN-*")
        keys.write("#suppliers-url", receiver.hook_url).to("Save the supplier").go()
        receiver.signing_secrets = [page.locator("#made-1").text_content()]
        keys.to("Send a test event").go()
        assert page.locator("#suppliers").get_by_text("ok", exact=True).is_visible()
        keys.to("Switch on Acme Retail").go()
        page.get_by_text("nothing failed").wait_for()
        keys.to("Copy the secret")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#secret-1").text_content()
    assert [one["verified"] for one in receiver.events] == [True, True]
    assert (Tenant.objects.get().active, Supplier.objects.count()) == (True, 1)
    assert ada.complaints == []


def test_an_onboarding_file_is_chosen_previewed_and_applied(ada, tmp_path):
    page, keys = ada.page, Keyboard(ada.page)
    (tmp_path / "acme.yaml").write_text(FILE)
    keys.to("apply an onboarding file").go()
    keys.to("Onboarding file, up to")
    keys.chooser().set_files(tmp_path / "acme.yaml")
    assert page.evaluate("document.querySelector('#file').files[0].name") == "acme.yaml"
    ada.picture("keyboard-file-chosen")
    keys.to("Show what it would change").go()
    keys.to("Apply acme.yaml").go()
    assert page.locator("#made-1").is_visible()
    assert Tenant.objects.get().name == "Acme"
    assert ada.complaints == []


def test_a_dead_letter_is_found_judged_and_retried(ada, furnished, settings, monkeypatch):
    monkeypatch.setattr("orders.admin.dead_letters.rows.TRY_SECONDS", 60)
    monkeypatch.setattr("orders.dead_letters.bulk_runs.FIRST_SECONDS", 0)
    settings.HUB_FAULT_INJECTION = False
    page, keys = ada.page, Keyboard(ada.page)
    keys.to("report Dead letters").go()
    keys.to("fault injection").go()
    assert page.get_by_text("would be applied").first.is_visible()
    keys.write("Reason", "the fault is mended").to("Retry 1 that would succeed").go()
    page.get_by_text("Outcome so far").wait_for()
    bulk_runs.work(RepairRun.objects.get().pk)
    keys.to("Refresh").go()
    page.get_by_text("Done in").wait_for()
    assert OrderEvent.objects.get(pk=furnished.dead.pk).status == "pending"
    assert OperatorAction.objects.filter(action="retry", who="ada").values_list("reason", flat=True).get() == (
        "the fault is mended"
    )
    assert ada.complaints == []
