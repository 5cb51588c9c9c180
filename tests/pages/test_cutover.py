"""A tenant's cut-over in a real Chromium: the list, a file of orders, the checklist, the cut-over, one click back."""

import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from orders.cutover import ledger
from orders.database.clock import DatabaseClock
from orders.models import Destination, LedgerHour, MemberHour, Tenant
from tests.browser import sign_in
from tests.migration_fixtures import compared
from tests.pages.test_accessibility import findings
from tests.pages.test_console import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
MISSING = "businessUnitId,customerOrderId\nstore-1,a\nstore-1,=HYPERLINK\nstore-1,zzz\n"


@pytest.fixture
def person(page, live_server, moving):
    _history(moving.tenant)
    Destination.objects.create(tenant=moving.tenant, channel="supplier", name="beans")
    page.set_viewport_size(DESK)
    User.objects.create_superuser("root", password="pass-of-root")
    page.goto(live_server.url + "/")
    sign_in(page, "root", "pass-of-root")
    return Console(page, live_server.url)


def _history(tenant):
    """Twenty hours of a move, to look at."""
    dice = random.Random(7)
    now = DatabaseClock().now().replace(minute=0, second=0, microsecond=0)
    for back in range(20, 0, -1):
        at = now - timedelta(hours=back)
        received = min(20_000, (21 - back) * 1_050)
        LedgerHour.objects.create(tenant=tenant, starts_at=at, counted_at=at, known=20_000, received=received)
        counts = {"matched": dice.randint(300, 900), "wrong": dice.randint(0, back), "stale": dice.randint(0, 9)}
        compared(tenant, hours_ago=back, **counts)
    MemberHour.objects.create(tenant=tenant, starts_at=now, member="/items/*/unitPrice", kind="value", wrong=31)
    MemberHour.objects.create(tenant=tenant, starts_at=now, member="/customer/phone", kind="missing here", wrong=4)


def seen_at_both_widths(person, name):
    """Pictures of the page; nothing serious for axe, nothing wider than the phone."""
    for size in (PHONE, DESK):
        person.page.set_viewport_size(size)
        person.picture(f"{name}-{size['width']}")
        assert findings(person.page) == set()
        assert person.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_from_the_missing_orders_to_the_cut_over_and_back(person, moving, tmp_path):
    page = person.page
    person.open("/admin/orders/tenant/moving/")
    seen_at_both_widths(person, "cutover-list")
    page.get_by_role("cell", name="Acme Retail").get_by_role("link").click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("Every condition is met.").is_visible()
    _adds_a_list(person, tmp_path)
    _is_refused_then_overrides(person, moving)
    _goes_back_by_one_click(person)
    assert person.complaints == []


def _adds_a_list(person, tmp_path):
    page = person.page
    (tmp_path / "orders.csv").write_text(MISSING)
    page.set_input_files("#orders-file", tmp_path / "orders.csv")
    person.press("Add the orders of the file")
    assert page.get_by_text("names 3 orders; 2 of them were not known").is_visible()
    assert page.get_by_text("2 of 4; 2 missing").is_visible()
    seen_at_both_widths(person, "cutover")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all 2 missing").click()
    assert "'=HYPERLINK" in download.value.path().read_text()


def _is_refused_then_overrides(person, moving):
    page = person.page
    page.get_by_role("link", name="Cut over to events: what would change?").click()
    page.wait_for_load_state("networkidle")
    seen_at_both_widths(person, "cutover-cut-over")
    page.get_by_label("Cut over although this condition is not met").check()
    page.fill("#reason", "the two are deleted there")
    person.press("Cut Acme Retail over to events")
    assert page.get_by_text("Acme Retail is cut over.").is_visible()
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == "events"
    seen_at_both_widths(person, "cutover-done")
    page.get_by_role("link", name="Release orders known before").click()
    page.wait_for_load_state("networkidle")
    person.press("Show what would be sent")
    assert page.get_by_text("2 orders would be released").is_visible()
    seen_at_both_widths(person, "cutover-release")
    page.go_back()
    page.go_back()
    page.wait_for_load_state("networkidle")


def _goes_back_by_one_click(person):
    page = person.page
    page.get_by_role("link", name="Everything that changes").click()
    page.wait_for_load_state("networkidle")
    seen_at_both_widths(person, "cutover-back")
    page.go_back()
    page.wait_for_load_state("networkidle")
    person.press("Return Acme Retail to proxy")
    assert page.get_by_text("Acme Retail is in proxy mode.").is_visible()
    seen_at_both_widths(person, "cutover-returned")


def test_the_page_is_found_from_the_side_bar_and_from_the_tenants_page(person, moving):
    page = person.page
    person.open(f"/admin/orders/tenant/{moving.tenant.pk}/change/")
    link = page.locator(f"a[href*='/tenant/{moving.tenant.pk}/moving']").first
    assert link.get_attribute("href")
    ledger.add(moving.tenant.pk, [("store-1", "c")], how="file")
    assert page.locator("a[href$='/admin/orders/tenant/moving/']").count() >= 1
