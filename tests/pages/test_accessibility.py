"""Every page of the console for whoever uses a keyboard, a screen reader or a phone: axe finds nothing serious of ours.

What it finds in the theme's own markup is pinned in THEME and told in docs/reference/accessibility.md; more fails, and
so does less, so that the list stays true.
"""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from orderflow.models import OrderFlowChannel
from orders.dead_letters.causes import cause_of
from orders.dead_letters.selection import Selection
from orders.models import (
    AlertRule,
    Difference,
    IgnoredMember,
    Incident,
    OperatorAction,
    RepairRun,
    SelfTest,
    Tenant,
    TimelineEntry,
)
from orders.telemetry import counters
from suppliers.models import Webhook
from tests.browser import sign_in
from tests.orders.roles_rows import one_of_every_model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")
A_SELF_TEST = {
    "who": "maria",
    "ms": 812,
    "failed": 1,
    "lines": [
        {"road": "API", "step": "token", "outcome": "ok", "detail": "A token came.", "next_step": "", "ms": 12},
        {"road": "suppliers", "step": "signed test event", "outcome": "failed", "detail": "Nobody answered.",
         "next_step": "Ask whether the receiver runs.", "ms": 800},
    ],
}  # fmt: skip
A_RUN = {
    "verb": "retry", "words": "events: fault injection", "who": "maria", "reason": "mended", "expected": 40,
    "counts": {"pending": 12, "would_fail": 3}, "selection": Selection("events", "a-cause").as_json(),
}  # fmt: skip

THEME = {}
"""Rule -> the selectors of the theme's elements (docs/reference/accessibility.md)."""


def pages_of(furnished):
    """Name -> address of every kind of page."""
    order, tenant = furnished.queue().pk, furnished.tenant.pk
    entry, action = TimelineEntry.objects.first(), OperatorAction.objects.first()
    cause = cause_of(furnished.dead.error)
    tried, run = SelfTest.objects.create(**A_SELF_TEST, tenant=furnished.tenant), RepairRun.objects.create(**A_RUN)
    return {
        "home": "/admin/?period=day",
        "find": "/admin/orders/order/find/",
        "found": "/admin/orders/order/find/?q=1001",
        "orders": "/admin/orders/order/",
        "order": f"/admin/orders/order/{order}/change/",
        "events": "/admin/orders/orderevent/",
        "dead-events": "/admin/orders/orderevent/?status=dead",
        "event": f"/admin/orders/orderevent/{furnished.dead.pk}/change/",
        "deliveries": "/admin/orders/delivery/",
        "delivery": f"/admin/orders/delivery/{furnished.deliveries[2].pk}/change/",
        "destinations": "/admin/orders/destination/",
        "destination": f"/admin/orders/destination/{furnished.beans.pk}/change/",
        "pause": f"/admin/orders/destination/{furnished.beans.pk}/pause/",
        "tenants": "/admin/orders/tenant/",
        "tenant": f"/admin/orders/tenant/{tenant}/change/",
        "tenant-add": "/admin/orders/tenant/add/",
        "onboarding": f"/admin/orders/tenant/{tenant}/onboard/",
        "onboarding-file": "/admin/orders/tenant/onboarding-file/",
        "self-test": f"/admin/orders/tenant/{tenant}/self-test/",
        "switch-off": f"/admin/orders/tenant/{tenant}/switch/",
        "mode": f"/admin/orders/tenant/{tenant}/mode/",
        "dead-letters": "/admin/orders/repairrun/dead/",
        "dead-letters-of-a-cause": f"/admin/orders/repairrun/dead/events/{cause}/?try=all",
        "dead-letters-overtaken": "/admin/orders/repairrun/dead/events/overtaken/",
        "repair-runs": "/admin/orders/repairrun/",
        "repair-run": f"/admin/orders/repairrun/{run.pk}/change/",
        "who-changed-what": "/admin/changes/",
        "self-tests": "/admin/orders/selftest/",
        "self-test-told": f"/admin/orders/selftest/{tried.pk}/change/",
        "retention": "/admin/orders/retention/",
        "story": f"/admin/orders/order/story/?tenant={furnished.tenant.slug}&unit=store-1&order=1001",
        "suppliers": "/admin/suppliers/supplier/",
        "channels": "/admin/orderflow/orderflowchannel/",
        "products": "/admin/orderflow/product/",
        "second-step": "/admin/second-step/",
        "client": f"/admin/orders/apiclient/{furnished.api_client.pk}/change/",
        "timeline-entry": f"/admin/orders/timelineentry/{entry.pk}/change/",
        "what-people-did": "/admin/orders/operatoraction/",
        "what-a-person-did": f"/admin/orders/operatoraction/{action.pk}/change/",
        "staff": "/admin/auth/user/",
    }


def pages_of_rows(rows):
    """The pages of a move, of alerts, of people and of partners: at the width at which more goes wrong."""
    tenant, user = rows[Tenant].pk, rows[User].pk
    rule, incident = rows[AlertRule].pk, rows[Incident].pk
    difference, ignored = rows[Difference].pk, rows[IgnoredMember].pk
    webhook, channel = rows[Webhook].pk, rows[OrderFlowChannel].pk
    return {
        "mode-to-migrating": f"/admin/orders/tenant/{tenant}/mode/?to=migrating",
        "tenant-history": f"/admin/orders/tenant/{tenant}/history/",
        "cutover-list": "/admin/orders/tenant/moving/",
        "cutover-of-a-tenant": f"/admin/orders/tenant/{tenant}/moving/",
        "cutover-release": f"/admin/orders/tenant/{tenant}/moving/release/",
        "differences": "/admin/orders/difference/",
        "difference": f"/admin/orders/difference/{difference}/change/",
        "difference-ignore": f"/admin/orders/difference/{difference}/ignore/",
        "ignored-members": "/admin/orders/ignoredmember/",
        "ignored-member": f"/admin/orders/ignoredmember/{ignored}/change/",
        "count-again": f"/admin/orders/ignoredmember/{ignored}/look-again/",
        "alerts": "/admin/orders/alertrule/",
        "alert-add": "/admin/orders/alertrule/add/",
        "alert": f"/admin/orders/alertrule/{rule}/change/",
        "alert-test": f"/admin/orders/alertrule/{rule}/test/",
        "incidents": "/admin/orders/incident/",
        "incident": f"/admin/orders/incident/{incident}/change/",
        "staff-add": "/admin/auth/user/add/",
        "staff-change": f"/admin/auth/user/{user}/change/",
        "staff-second-step": f"/admin/auth/user/{user}/reset-second-step/",
        "roles": "/admin/auth/group/",
        "changes-of-logins": "/admin/orders/staffchange/",
        "webhook": f"/admin/suppliers/webhook/{webhook}/change/",
        "webhook-test": f"/admin/suppliers/webhook/{webhook}/test/",
        "channel": f"/admin/orderflow/orderflowchannel/{channel}/change/",
        "products-import": "/admin/orderflow/product/import/",
    }


@pytest.fixture
def signed_in(page, live_server, furnished):
    counters._counters.forget()
    counters.received(furnished.tenant.pk)
    counters.tried(furnished.beans, delivered=True, dead=False)
    counters.took(furnished.beans, 40)
    counters.read(furnished.tenant.pk, 140)
    counters.write()
    counters._counters.forget()
    User.objects.create_superuser("root", password="pass-of-root")
    page.goto(live_server.url + "/admin/")
    sign_in(page, "root", "pass-of-root")
    return page


def findings(page):
    """(rule, selector, what the element is) of everything serious on the page as it stands."""
    answer = Axe().run(page)
    return {
        (violation["id"], " ".join(str(part) for part in node["target"]), node["html"][:160])
        for violation in answer.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    }


def look_at(page, name, size, found):
    """A picture, and what is wrong with the page: axe's findings, and that it is wider than the screen."""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"page-{name}-{size['width']}.png", full_page=True)
    for finding in findings(page):
        found.setdefault(finding, []).append(name)
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.setdefault(("wider than the screen", "html", ""), []).append(name)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious_but_what_is_the_themes(signed_in, live_server, furnished, size):
    page = signed_in
    page.set_viewport_size(size)
    found = {}
    rarer = pages_of_rows(one_of_every_model(furnished.tenant)) if size == PHONE else {}
    for name, path in (pages_of(furnished) | rarer).items():
        response = page.goto(live_server.url + path, wait_until="networkidle")
        assert response.status == 200, path
        look_at(page, name, size, found)
    page.goto(live_server.url + "/admin/orders/order/", wait_until="networkidle")
    page.check("input.action-select")
    page.select_option("select[name=action]", "erase_customers")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Erase for good").wait_for()
    look_at(page, "erase", size, found)
    lines = [[*key, names] for key, names in sorted(found.items())]
    (ARTEFACTS / f"axe-{size['width']}.json").write_text(json.dumps(lines, indent=1))
    ours = [line for line in lines if line[1] not in THEME.get(line[0], ())]
    assert ours == []


def test_the_first_key_leads_past_the_side_bar_and_focus_is_seen(signed_in, live_server):
    page = signed_in
    page.goto(live_server.url + "/admin/", wait_until="networkidle")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    assert skip.evaluate("one => one === document.activeElement")
    assert skip.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.evaluate(
        "(() => { const one = document.activeElement; return [one.closest('#content') !== null, "
        "getComputedStyle(one).outlineStyle, getComputedStyle(one).outlineWidth]; })()"
    )
    assert focused == [True, "solid", "2px"]


def test_a_chart_is_read_by_its_words_and_opened_as_a_table_by_keyboard(signed_in, live_server):
    page = signed_in
    page.goto(live_server.url + "/admin/?period=day", wait_until="networkidle")
    assert page.get_by_role("img", name="Events: events, last day").count() == 1
    table = page.get_by_role("region", name="Events as a table")
    assert not table.is_visible()
    page.get_by_text("The chart as a table").first.focus()
    page.keyboard.press("Enter")
    assert table.is_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_home_page_is_as_wide_as_the_screen(signed_in, live_server, size):
    page = signed_in
    page.set_viewport_size(size)
    page.goto(live_server.url + "/admin/?period=day", wait_until="networkidle")
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"home-day-{size['width']}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_browser_tells_its_zone_and_the_next_page_shows_it(chromium, signed_in, live_server):
    context = chromium.new_context(timezone_id="Asia/Kolkata", storage_state=signed_in.context.storage_state())
    page = context.new_page()
    for _ in range(2):
        page.goto(live_server.url + "/admin/", wait_until="networkidle")
    assert "UTC+5:30" in page.locator(".hub-as-of").text_content()
    context.close()
