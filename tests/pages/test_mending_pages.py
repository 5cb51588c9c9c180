"""An operator's bad day in a real Chromium: a destination breaks and is mended, a dead-letter queue is cleared."""

import ipaddress
import time

import pytest

from orders.access.staff import OPERATOR, give_role
from orders.dead_letters import bulk_runs
from orders.inbox.reception import accept
from orders.models import Delivery, Destination, OperatorAction, RepairRun
from orders.outbox.dispatcher import deliver
from orders.values.order_key import OrderKey
from suppliers.simulator.server import MockSupplier
from tests.bodies import body
from tests.browser import sign_in
from tests.pages.test_console import Console
from tests.suppliers.conftest import add_supplier, tenant  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
DRAINED_SECONDS = 60


@pytest.fixture
def maria(page, live_server, settings):
    """An operator, signed in."""
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True
    page.set_viewport_size(DESK)
    give_role("maria", role=OPERATOR, password="pass-of-maria")
    page.goto(live_server.url + "/")
    sign_in(page, "maria", "pass-of-maria")
    return Console(page, live_server.url)


@pytest.fixture
def beans(add_supplier):
    """A supplier's receiver that breaks when the test says so."""
    with MockSupplier() as receiver:
        add_supplier("beans", ["BEAN-*"], url=receiver.hook_url)
        yield receiver


@pytest.fixture
def put(tenant, apply_all):
    def make(*names):
        for name in names:
            key = OrderKey(tenant.pk, "store-1", name)
            accept(key, payload=body(name), client_id=None, correlation_id="test")
        apply_all()

    return make


def both_widths(person, name):
    person.picture(name)
    person.page.set_viewport_size(PHONE)
    person.picture(f"{name}-phone")
    assert person.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    person.page.set_viewport_size(DESK)


def sees(page, words):
    """Waits for the next page where a press leads to one."""
    page.get_by_text(words).first.wait_for(timeout=30_000)


def statuses():
    return sorted(Delivery.objects.values_list("status", flat=True))


def drain():
    """As the outbound worker would: a breaker that has closed lets a little through at first."""
    until = time.monotonic() + DRAINED_SECONDS
    while set(statuses()) != {"delivered"} and time.monotonic() < until:
        deliver()
        time.sleep(0.1)


def test_a_destination_breaks_and_is_mended_and_drained(maria, beans, put, settings):
    settings.HUB_BREAKER_FAILURES, settings.HUB_BREAKER_OPEN_SECONDS = 2, 300
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0.2] * 20
    page = maria.page
    beans.fail(status=503, times=None)
    put("order-1", "order-2", "order-3", "order-4")
    deliver()
    maria.open("/admin/", "destination-breaks-home")
    page.get_by_role("link", name="1 failing destination").click()
    page.get_by_role("link", name="beans", exact=True).click()
    sees(page, "failures in a row; next probe in")
    both_widths(maria, "destination-broken")
    page.get_by_role("link", name="Probe it now").click()
    sees(page, "One pending delivery is sent there now")
    maria.press("Probe beans")
    sees(page, "is being probed")
    deliver()
    assert Destination.objects.get().failures == 5
    beans.faults.clear()
    page.get_by_role("link", name="Probe it now").click()
    maria.press("Probe beans")
    sees(page, "is being probed")
    drain()
    assert statuses() == ["delivered"] * 4
    page.reload()
    sees(page, "Running. 0 orders wait.")
    both_widths(maria, "destination-mended")
    assert maria.complaints == []


def test_a_paused_destination_keeps_pending_deliveries_until_it_is_resumed(maria, beans, put):
    page = maria.page
    maria.open(f"/admin/orders/destination/{Destination.objects.get().pk}/change/")
    page.get_by_role("link", name="Pause it").click()
    maria.press("Pause beans")
    sees(page, "reason")
    both_widths(maria, "destination-pause")
    page.fill("input[name=reason]", "they move house")
    maria.press("Pause beans")
    sees(page, "because they move house")
    put("order-1")
    deliver()
    assert (statuses(), len(beans.events)) == (["pending"], 0)
    page.reload()
    sees(page, "1 order waits")
    maria.picture("destination-paused")
    page.get_by_role("link", name="Resume it").click()
    maria.press("Resume beans")
    sees(page, "is resumed")
    drain()
    assert statuses() == ["delivered"]
    assert list(OperatorAction.objects.order_by("pk").values_list("who", "action", "reason")) == [
        ("maria", "pause", "they move house"),
        ("maria", "resume", ""),
    ]
    assert maria.complaints == []


def test_a_dead_letter_queue_is_cleared_without_fear(maria, beans, put, settings, monkeypatch):
    monkeypatch.setattr("orders.admin.dead_letters.rows.TRY_SECONDS", 60)
    monkeypatch.setattr("orders.dead_letters.bulk_runs.FIRST_SECONDS", 0)
    settings.HUB_DELIVERY_RETRY_SCHEDULE, settings.HUB_BREAKER_FAILURES = [], 0
    page = maria.page
    for status, names in ((503, ("one", "two", "three")), (422, ("four", "five"))):
        beans.fail(status=status, times=None)
        put(*names)
        while "pending" in statuses():
            deliver()
        beans.faults.clear()
    assert statuses() == ["dead"] * 5
    maria.open("/admin/orders/repairrun/dead/")
    sees(page, "3 dead")
    sees(page, "2 dead")
    both_widths(maria, "dead-letters-by-cause")
    page.get_by_role("link", name="503").click()
    sees(page, "would be sent")
    assert page.get_by_text("would be sent", exact=True).count() == 3
    both_widths(maria, "dead-letters-preview")
    maria.press("Retry 3 that would succeed")
    assert page.locator("input[name=reason]:invalid").count() == 1
    assert statuses() == ["dead"] * 5
    page.fill("input[name=reason]", "their server is well again")
    maria.press("Retry 3 that would succeed")
    sees(page, "Outcome so far")
    both_widths(maria, "dead-letters-run")
    bulk_runs.work(RepairRun.objects.get().pk)
    page.get_by_role("link", name="Refresh").click()
    sees(page, "Done in")
    maria.picture("dead-letters-run-done")
    deliver()
    assert statuses() == ["dead"] * 2 + ["delivered"] * 3
    page.get_by_role("link", name="Back to all dead letters").click()
    page.get_by_role("link", name="422").click()
    page.fill("input[name=reason]", "sent by hand")
    maria.press("Discard all 2")
    sees(page, "Outcome so far")
    bulk_runs.work(RepairRun.objects.first().pk)
    maria.open("/admin/orders/repairrun/dead/")
    sees(page, "There are no dead letters")
    both_widths(maria, "dead-letters-none")
    assert statuses() == ["delivered"] * 3 + ["discarded"] * 2
    assert sorted(OperatorAction.objects.values_list("action", "reason")) == [
        *[("discard", "sent by hand")] * 2,
        *[("retry", "their server is well again")] * 3,
    ]
    maria.open("/admin/orders/operatoraction/", "dead-letters-on-record")
    sees(page, "their server is well again")
    assert maria.complaints == []
