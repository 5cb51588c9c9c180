"""The cut-over pages of a tenant: every form, what it refuses, and who may use it."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orders.cutover import ledger
from orders.cutover.requirements import rule_of
from orders.cutover.switch import cut_over
from orders.models import Destination, KnownOrder, OperatorAction, Order, Tenant
from orders.onboarding.mode_change import switch_mode
from orders.outbox import planning
from tests.migration_fixtures import compared
from tests.orders.fake_channel import FakeChannel

pytestmark = pytest.mark.django_db


def address(tenant, name=""):
    return reverse(f"admin:orders_tenant_cutover{'_' if name else ''}{name}", args=(tenant.pk,))


def text(client, tenant, name="", **query):
    answer = client.get(address(tenant, name), query)
    assert answer.status_code == 200
    return answer.content.decode()


def said(answer):
    """What the next page says of a form."""
    assert answer.status_code == 200, answer.status_code
    return [str(message) for message in answer.context["messages"]]


def upload(client, tenant, content):
    file = SimpleUploadedFile("orders.csv", content)
    return said(client.post(address(tenant, "orders"), {"file": file}, follow=True))


def test_the_page_says_how_far_it_is_and_what_is_missing(root, moving):
    ledger.add(moving.tenant.pk, [("store-1", "<b>c</b>")], how="file")
    page = text(root, moving.tenant)
    assert "&lt;b&gt;c&lt;/b&gt;" in page
    assert "<b>c</b>" not in page
    for words in (
        "2 of 3; 1 missing",
        "not yet",
        "Download all 1 missing",
        "not notified of any order",
        "99.7 % of 400",
    ):
        assert words in page, words


def test_a_list_is_added_or_refused_with_its_lines(root, moving):
    assert upload(root, moving.tenant, b"businessUnitId,customerOrderId\nstore-1,a\nstore-1,x\n") == [
        "The file names 2 orders; 1 of them were not known before."
    ]
    faults = upload(root, moving.tenant, b"businessUnitId,customerOrderId\nstore-1\n")
    assert faults == ["Nothing was added. Line 2: 1 cells instead of 2."]
    assert KnownOrder.objects.count() == 3
    switch_mode(moving.tenant, "proxy", who="ops")
    assert upload(root, moving.tenant, b"x") == [
        "Acme Retail is in proxy mode; orders are listed while it migrates. Nothing was added."
    ]


def test_the_missing_orders_come_as_a_file(root, moving):
    ledger.add(moving.tenant.pk, [("store-1", "=c")], how="file")
    answer = root.get(address(moving.tenant, "missing"))
    assert b"".join(answer.streaming_content) == b"businessUnitId,customerOrderId\r\nstore-1,'=c\r\n"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-missing.csv"'


def test_the_numbers_of_the_checklist_are_changed_or_refused(root, moving):
    given = {"match_percent": "99.5", "hours": "2", "comparisons": "10", "waiting_seconds": "5"}
    root.post(address(moving.tenant, "rule"), given)
    assert rule_of(Tenant.objects.get(pk=moving.tenant.pk)).match_percent == 99.5
    refused = said(root.post(address(moving.tenant, "rule"), given | {"hours": "0"}, follow=True))
    assert refused[-1] == "The number of hours must be a whole number from 1 to 168. Nothing was changed."


def test_notifications_are_switched_on_from_a_moment_in_the_tenants_time_and_off(root, moving):
    Tenant.objects.update(time_zone="Europe/Copenhagen")
    given = {"moment": "2026-07-01T10:00", "reason": "they ask"}
    assert said(root.post(address(moving.tenant, "notify_from"), given, follow=True)) == [
        "Suppliers and warehouses are notified of orders first received from 2026-07-01 10:00 (Europe/Copenhagen) on."
    ]
    assert Tenant.objects.get(pk=moving.tenant.pk).tells_from == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert 'value="2026-07-01T10:00"' in text(root, moving.tenant)
    root.post(address(moving.tenant, "notify_from"), {"moment": "", "reason": "stop"})
    assert Tenant.objects.get(pk=moving.tenant.pk).tells_from is None
    missing = said(root.post(address(moving.tenant, "notify_from"), {"moment": ""}, follow=True))
    assert missing[-1] == "Write a reason, and a date and time or nothing. Nothing was changed."


def test_a_cut_over_says_what_changes_and_wants_a_reason(root, moving):
    page = text(root, moving.tenant, "cut_over")
    assert "Reads and searches are answered from the 2 orders stored here" in page
    answer = root.post(address(moving.tenant, "cut_over"), {"reason": ""})
    assert "Write a reason first" in answer.content.decode()
    done = said(root.post(address(moving.tenant, "cut_over"), {"reason": "the day"}, follow=True))
    assert done == ["Acme Retail is cut over. Every process answers from stored orders within 5 s."]
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == "events"


def test_an_open_line_is_overridden_only_when_ticked(root, moving):
    ledger.add(moving.tenant.pk, [("store-1", "c")], how="file")
    page = root.post(address(moving.tenant, "cut_over"), {"reason": "the day"}).content.decode()
    assert "The checklist is not all ok; nothing was changed." in page
    assert 'name="override" value="ledger"' in page
    root.post(address(moving.tenant, "cut_over"), {"reason": "c is deleted", "override": ["ledger"]})
    assert OperatorAction.objects.get(action="cut over").outcome == "1 overridden"


def test_no_button_is_offered_while_an_event_is_dead(root, moving, faults):
    moving.put("fault-always-1")
    moving.drain_through_retries()
    page = text(root, moving.tenant, "cut_over")
    assert "It cannot be cut over while events are dead" in page
    assert "Cut Acme Retail over to events</button>" not in page


@pytest.mark.parametrize("to", ["proxy", "migrating"])
def test_one_click_on_the_tenants_page_takes_it_back(root, moving, to):
    cut_over(moving.tenant, who="ann", reason="the day")
    page = text(root, moving.tenant)
    assert f'name="to" value="{to}"' in page
    assert address(moving.tenant, "back") in page
    done = said(root.post(address(moving.tenant, "back"), {"to": to, "reason": ""}, follow=True))
    assert done == [f"Acme Retail is in {to} mode. Its own system answers every read within 5 s."]
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == to
    again = root.post(address(moving.tenant, "back"), {"to": to})
    assert "already" in again.content.decode() or "nothing to take back" in again.content.decode()


def test_orders_known_before_are_released_after_a_preview(root, moving, monkeypatch):
    monkeypatch.setattr(planning, "channels", lambda: {"fake": FakeChannel()})
    Destination.objects.create(tenant=moving.tenant, channel="fake", name="partner")
    cut_over(moving.tenant, who="ann", reason="the day")
    page = text(root, moving.tenant, "release", preview="1", customer_order_id="a", business_unit_id="store-1")
    assert "1 order would be released" in page
    assert "<strong>1</strong> to" in page
    assert Order.objects.filter(known_before=True).count() == 2
    chosen = {"preview": "1", "customer_order_id": "a", "business_unit_id": "store-1"}
    assert "Write why" in root.post(address(moving.tenant, "release"), chosen).content.decode()
    done = said(root.post(address(moving.tenant, "release"), chosen | {"reason": "asked"}, follow=True))
    assert done == ["1 order released."]
    assert Order.objects.filter(known_before=True).count() == 1
    wrong = text(root, moving.tenant, "release", preview="1", placed_from="yesterday")
    assert "Enter a valid date" in wrong


def test_the_mode_page_leads_from_migrating_to_the_cut_over(root, moving):
    mode = reverse("admin:orders_tenant_switch_mode", args=(moving.tenant.pk,))
    for answer in (root.get(mode, {"to": "events"}), root.post(mode, {"to": "events", "reason": "quick"})):
        assert (answer.status_code, answer.headers["Location"]) == (302, address(moving.tenant, "cut_over"))
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == "migrating"


def test_the_list_names_who_moves_who_could_and_who_did(root, moving, make_tenant):
    make_tenant("calm", "proxy")
    make_tenant("done", "events")
    page = root.get(reverse("admin:orders_tenant_cutover_all")).content.decode()
    rows = page[page.index("cutover-title") :]
    assert ("Acme Retail" in rows, "Calm" in rows, "Done" in rows, "2 of 2" in rows) == (True, True, False, True)


def test_a_login_of_another_tenant_sees_nothing_of_it(bound, moving):
    page = bound.get(reverse("admin:orders_tenant_cutover_all")).content.decode()
    assert "Acme" not in page[page.index("cutover-title") :]
    for name in ("missing", "cut_over", "back", "release"):
        assert bound.get(address(moving.tenant, name)).status_code == 403
    for name in ("orders", "rule", "notify_from", "cut_over", "back", "release"):
        assert bound.post(address(moving.tenant, name), {"reason": "x", "to": "proxy"}).status_code == 403
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == "migrating"


def test_members_that_differ_are_named_with_their_rate(root, moving):
    from orders.models import MemberHour

    hour = compared(moving.tenant, way="sweep", matched=100).starts_at
    MemberHour.objects.create(tenant=moving.tenant, starts_at=hour, member="/items/*/unitPrice", kind="value", wrong=5)
    page = text(root, moving.tenant)
    assert "/items/*/unitPrice" in page
    assert "99 %</td>" in page
