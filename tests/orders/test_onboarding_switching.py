"""Switching tenants: what is said before, what is refused, that nothing is lost, and that it is on record."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orders.access.staff import OPERATOR, SUPPORT, give_role
from orders.inbox import applying
from orders.models import OperatorAction, Order, Tenant
from orders.onboarding.switching import SwitchRefused, mode_plan, switch_active, switch_mode, waiting
from tests.admin_fixtures import agreed

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def test_a_stopped_tenant_keeps_what_waits_and_goes_on_when_started(engine):
    engine.put("1")
    engine.put("2")
    stopped = switch_active(engine.tenant, active=False, who="olga", reason="their wish")
    engine.drain()
    assert (waiting(stopped).orders, Order.objects.count()) == (2, 0)
    switch_active(stopped, active=True, who="olga", reason="they are back")
    engine.drain()
    assert (waiting(stopped).orders, Order.objects.count()) == (0, 2)
    assert list(OperatorAction.objects.order_by("pk").values_list("action", "reason", "who")) == [
        ("switch off", "their wish", "olga"),
        ("switch on", "they are back", "olga"),
    ]
    assert stopped.history.first().history_change_reason == "switched on by olga"


def test_a_switch_without_a_reason_or_to_where_it_is_does_nothing(engine):
    with pytest.raises(SwitchRefused, match="Write a reason first"):
        switch_active(engine.tenant, active=False, who="olga", reason=" ")
    with pytest.raises(SwitchRefused, match="switched on already"):
        switch_active(engine.tenant, active=True, who="olga", reason="x")
    with pytest.raises(SwitchRefused, match="in events mode already"):
        switch_mode(engine.tenant, "events", who="olga", reason="x")
    assert not OperatorAction.objects.exists()


def test_a_mode_that_reads_through_wants_an_address_of_the_right_form(engine):
    with pytest.raises(SwitchRefused, match="Write the tenant's external URL"):
        switch_mode(engine.tenant, "proxy", who="olga", reason="x")
    with pytest.raises(SwitchRefused, match=r"must be an http\(s\) URL"):
        switch_mode(engine.tenant, "proxy", who="olga", reason="x", external_url="ftp://x")
    url = "https://oms.example.com/api/v1"
    switched = switch_mode(engine.tenant, "proxy", who="olga", reason="they asked", external_url=url)
    assert (switched.mode, switched.external_url) == ("proxy", url)
    action = OperatorAction.objects.get()
    assert (action.action, action.outcome, action.reason) == ("switch mode", "events to proxy", "they asked")


def test_events_accepted_before_are_applied_after_a_switch_to_proxy(engine):
    engine.put("1")
    switch_mode(engine.tenant, "proxy", who="o", reason="x", external_url="https://oms.example.com")
    while applying.drain():
        pass
    assert Order.objects.count() == 1


def test_the_plan_names_which_addresses_answer_and_what_waits(engine):
    engine.put("1")
    plan = mode_plan(engine.tenant, "proxy", external_url="https://oms.example.com")
    assert "send an order (PUT)" in plan.stops
    assert plan.starts == []
    words = [note.words for note in plan.notes]
    assert (
        "1 order with events to apply and 0 orders with something to send: this work goes on in the new mode." in words
    )
    assert any("No credentials of the order service are stored" in one for one in words)
    assert not [note for note in plan.notes if note.blocks]
    assert [note for note in mode_plan(engine.tenant, "proxy").notes if note.blocks]
    engine.tenant.mode, engine.tenant.external_url = "proxy", "https://oms.example.com"
    assert "send an order (PUT)" in mode_plan(engine.tenant, "events").starts


def test_the_pages_say_it_before_they_do_it(client, engine):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    engine.put("1")
    page = reverse("admin:orders_tenant_switch_active", args=(engine.tenant.pk,))
    html = client.get(page).content.decode()
    assert "Waiting now: 1 order with events to apply" in html
    assert "Nothing is lost" in html
    assert (
        "Write a reason first; nothing was changed." in client.post(page, {"to": "off", "reason": ""}).content.decode()
    )
    assert client.post(page, {"to": "off", "reason": "their wish"}).status_code == 302
    assert "waiting now: 1 order with events to apply" in client.get(page).content.decode()
    mode = reverse("admin:orders_tenant_switch_mode", args=(engine.tenant.pk,))
    assert "To proxy: what would change?" in client.get(mode).content.decode()
    html = client.get(mode, {"to": "proxy"}).content.decode()
    assert "send an order (PUT)" in html
    assert "Write the tenant&#x27;s external URL" in html
    asked = {"to": "proxy", "external_url": "https://oms.example.com", "reason": "they asked"}
    assert client.post(mode, asked).status_code == 302
    engine.tenant.refresh_from_db()
    assert (engine.tenant.mode, engine.tenant.active) == ("proxy", False)


def test_the_plain_switch_to_migrating_says_that_notifications_end_and_how_they_would_not(client, engine):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    mode = reverse("admin:orders_tenant_switch_mode", args=(engine.tenant.pk,))
    move = reverse("admin:orders_tenant_cutover", args=(engine.tenant.pk,))
    html = client.get(mode, {"to": "migrating"}).content.decode()
    assert (
        "Notifications are switched off: from then on suppliers and warehouses get no new order and no change" in html
    )
    assert "Pending deliveries are still sent; pending events are applied, and nobody is notified of them." in html
    assert "use Return to migrating on the cut-over page instead" in html
    assert f'href="{move}"' in html
    assert html.index("Notifications are switched off") < html.index(">Switch Acme Retail to migrating</button>")
    asked = {"to": "migrating", "external_url": "https://oms.example.com", "reason": "they asked"}
    assert client.post(mode, asked).headers["Location"] == move
    assert "Notifications are switched off" not in client.get(mode, {"to": "proxy"}).content.decode()


def test_from_proxy_no_notification_ends(engine):
    engine.tenant.mode, engine.tenant.external_url = "proxy", "https://oms.example.com"
    words = [note.words for note in mode_plan(engine.tenant, "migrating").notes]
    assert "Orders that it sends are stored and compared; suppliers and warehouses are not notified of them." in words
    assert not any("Notifications are switched off" in one for one in words)


def test_the_form_of_a_tenant_switches_neither_mode_nor_active(client, engine):
    client.force_login(give_role("olga", role=OPERATOR, password="pass-of-olga").user)
    glances = {f"{name}-{form}_FORMS": 0 for name in ("api_clients", "destinations") for form in ("TOTAL", "INITIAL")}
    data = {"name": "New", "mode": "proxy", "time_zone": "UTC", "case_type": "c", "not_fetched_after_minutes": "30"}
    data["unknown_members"] = "warn"
    data["compared_per_minute"] = "30"
    page = reverse("admin:orders_tenant_change", args=(engine.tenant.pk,))
    assert agreed(client, page, data | glances).status_code == 302
    stored = Tenant.objects.get()
    assert (stored.name, stored.mode, stored.active) == ("New", "events", True)


def test_support_switches_nothing(client, engine):
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    for name in ("switch_active", "switch_mode", "self_test"):
        page = reverse(f"admin:orders_tenant_{name}", args=(engine.tenant.pk,))
        assert client.get(page).status_code == 403
        assert client.post(page, {"to": "off", "reason": "x"}).status_code == 403
    assert Tenant.objects.get().active is True
