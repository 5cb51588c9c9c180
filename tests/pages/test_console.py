"""The admin's pages in a real Chromium: they open without violations of the content security policy, and work.

Screenshots are kept under test-artefacts/ for a person to look at.
"""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from orders.models import OrderEvent
from tests.browser import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"


class Console:
    """A signed-in person at a browser; what the browser complains of is kept."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.complaints = []
        page.on("console", lambda message: self._keep(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._keep(str(error)))

    def _keep(self, text):
        self.complaints.append(f"{self.page.url}: {text}")

    def open(self, path, picture=""):
        response = self.page.goto(self.address + path, wait_until="networkidle")
        assert response.status == 200, path
        if picture:
            self.picture(picture)

    def picture(self, name):
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    def press(self, words):
        self.page.get_by_role("button", name=words).click()
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def console(page, live_server, furnished):
    page.set_viewport_size({"width": 1440, "height": 900})
    User.objects.create_superuser("root", password="pass-of-root")
    person = Console(page, live_server.url)
    page.goto(live_server.url + "/")
    person.picture("login")
    sign_in(page, "root", "pass-of-root")
    return person


def test_a_person_signs_in_and_looks_around(console, furnished):
    page = console.page
    assert page.get_by_role("heading", name="Needs attention", exact=True).is_visible()
    console.picture("home")
    order = f"/admin/orders/order/{furnished.queue().pk}/change/"
    console.open(order, "order")
    assert page.get_by_text("Event 1 applied").first.is_visible()
    for path, picture in (
        ("/admin/orders/order/find/?q=1001", "find"),
        ("/admin/orders/order/", "orders"),
        ("/admin/orders/orderevent/", "events"),
        ("/admin/orders/delivery/", "deliveries"),
        (f"/admin/orders/delivery/{furnished.deliveries[2].pk}/change/", "delivery"),
        ("/admin/orders/destination/", "destinations"),
        (f"/admin/orders/destination/{furnished.beans.pk}/change/", "destination"),
        (f"/admin/orders/destination/{furnished.beans.pk}/pause/", "pause"),
        ("/admin/orders/tenant/add/", "tenant-add"),
        (f"/admin/orders/tenant/{furnished.tenant.pk}/change/", "tenant"),
        (f"/admin/orders/tenant/{furnished.tenant.pk}/history/", "tenant-history"),
        ("/admin/orders/apiclient/add/", "client-add"),
        ("/admin/auth/user/add/", "staff-add"),
    ):
        console.open(path, picture)
    page.set_viewport_size({"width": 390, "height": 844})
    console.open("/admin/", "home-phone")
    console.open(order, "order-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert console.complaints == []


def test_a_dead_event_is_retried_through_its_preview(console, furnished, settings):
    settings.HUB_FAULT_INJECTION = False
    page = console.page
    console.open("/admin/orders/orderevent/?status=dead", "dead-events")
    page.check("input.action-select")
    page.select_option("select[name=action]", "retry_dead")
    console.press("Run")
    assert page.get_by_text("would be applied").is_visible()
    console.picture("retry-preview")
    page.fill("input[name=reason]", "the fault is mended")
    console.press("Retry what is ticked")
    assert page.get_by_text("pending again").is_visible()
    console.picture("retry-done")
    assert OrderEvent.objects.get(pk=furnished.dead.pk).status == "pending"
    assert console.complaints == []


def test_a_rotated_secret_is_shown_once_and_copied(console, furnished):
    page = console.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.open(f"/admin/orders/apiclient/{furnished.api_client.pk}/change/", "client")
    page.get_by_role("link", name="Rotate secret").click()
    console.press("Make a new secret")
    console.picture("secret")
    console.press("Copy the secret")
    shown = page.locator("#client-secret").text_content()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    assert console.complaints == []
