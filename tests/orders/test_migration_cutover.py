"""A tenant is cut over when its checklist says so, by one action on record, and comes back by one."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from orders.cutover import ledger
from orders.cutover.changes import cutting_over, going_back
from orders.cutover.checklist import checklist, percent
from orders.cutover.progress import progress
from orders.cutover.switch import CutOverRefused, cut_over, go_back
from orders.database.clock import DatabaseClock
from orders.models import ComparisonHour, Delivery, Destination, LedgerHour, OperatorAction, OrderEvent, Tenant
from orders.outbox import planning
from tests.migration_fixtures import compared
from tests.orders.fake_channel import FakeChannel

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def now(moving):
    return Tenant.objects.get(pk=moving.tenant.pk)


def lines(tenant):
    return {line.key.value: (line.ok, line.figure) for line in checklist(tenant).lines}


def refused(tenant, **how):
    with pytest.raises(CutOverRefused) as why:
        cut_over(tenant, **{"who": "ann", "reason": "the day", **how})
    assert Tenant.objects.get(pk=tenant.pk).mode == "migrating"
    assert not OperatorAction.objects.filter(action="cut over").exists()
    return [line.key.value for line in why.value.lines]


def test_all_is_ok_when_orders_are_there_and_match_and_nothing_waits(moving):
    assert lines(moving.tenant) == {
        "ledger": (True, "2 of 2"),
        "match-rate": (True, "99.7 % of 400 comparisons; 1 wrong"),
        "dead-events": (True, "none"),
        "waiting": (True, "none is pending"),
        "unknown-members": (True, "none"),
        "unknown-words": (True, "none"),
    }
    assert checklist(moving.tenant).ok


def test_a_missing_order_is_said_and_refuses(moving):
    ledger.add(moving.tenant.pk, [("store-1", "c")], how="file")
    assert lines(moving.tenant)["ledger"] == (False, "2 of 3; 1 missing")
    assert refused(moving.tenant) == ["ledger"]


def test_an_empty_ledger_is_never_complete_and_nobody_may_say_so(moving):
    moving.tenant.known_orders.all().delete()
    assert lines(moving.tenant)["ledger"] == (False, "no order is known yet")
    assert refused(moving.tenant, overriding=["ledger"]) == ["ledger"]


@pytest.mark.parametrize(
    ("counts", "figure"),
    [
        ({}, "nothing compared"),
        ({"matched": 99}, "100 % of 99 comparisons"),
        ({"matched": 980, "wrong": 20}, "98 % of 1,000 comparisons; 20 wrong"),
        ({"stale": 200}, "nothing compared"),
    ],
)
def test_too_few_comparisons_and_too_low_a_rate_refuse(moving, counts, figure):
    ComparisonHour.objects.all().delete()
    compared(moving.tenant, **counts)
    assert lines(moving.tenant)["match-rate"] == (False, figure)
    assert refused(moving.tenant) == ["match-rate"]


def test_comparisons_longer_ago_than_the_tenants_hours_do_not_count(moving):
    ComparisonHour.objects.all().delete()
    compared(moving.tenant, hours_ago=25, matched=1000)
    assert refused(moving.tenant) == ["match-rate"]


def test_a_dead_event_refuses_and_is_not_to_be_overridden(moving, faults):
    moving.put("fault-always-1")
    moving.drain_through_retries()
    assert lines(moving.tenant)["dead-events"] == (False, "1 dead")
    assert refused(moving.tenant, overriding=["dead-events"]) == ["dead-events"]


def test_an_event_that_waits_too_long_refuses(moving):
    moving.put("a", status="LATE")
    assert lines(moving.tenant)["waiting"][0]
    OrderEvent.objects.filter(status="pending").update(received_at=DatabaseClock().now() - timedelta(seconds=61))
    assert lines(moving.tenant)["waiting"][0] is False
    assert refused(moving.tenant, overriding=["waiting"]) == ["waiting"]


def test_another_tenants_orders_are_not_asked_about(moving, other_engine, faults):
    other_engine.put("fault-always-1")
    other_engine.drain_through_retries()
    ledger.add(other_engine.tenant.pk, [("store-1", "z")], how="file")
    assert checklist(moving.tenant).ok


def test_a_cut_over_switches_and_is_on_record_with_its_checklist(moving):
    switched = cut_over(moving.tenant, who="ann", reason="the day")
    stored = Tenant.objects.get(pk=moving.tenant.pk)
    assert (stored.mode, switched.mode) == ("events", "events")
    done = OperatorAction.objects.get(action="cut over")
    assert (done.who, done.subject, done.outcome) == ("ann", f"tenant:{stored.pk}", "all ok")
    assert done.reason.splitlines()[:3] == [
        "the day",
        "The checklist then:",
        "ok  Every order that its own system has was received: 2 of 2",
    ]
    assert stored.history.first().history_change_reason == "ann: the day"
    assert LedgerHour.objects.get().received == 2
    with pytest.raises(CutOverRefused, match="events mode; only a migrating tenant"):
        cut_over(moving.tenant, who="bob", reason="again")


def test_a_person_may_override_what_is_a_judgement_with_a_reason(moving):
    ledger.add(moving.tenant.pk, [("store-1", "deleted-since")], how="file")
    assert refused(moving.tenant, overriding=["match-rate"]) == ["ledger"]
    assert refused(moving.tenant, overriding=["ledger"], reason=" ") == []
    cut_over(moving.tenant, who="ann", reason="that one is deleted", overriding=["ledger"])
    done = OperatorAction.objects.get(action="cut over")
    assert done.outcome == "1 overridden"
    assert done.reason.splitlines()[-1] == "Overridden: Every order that its own system has was received"


def test_what_fails_while_it_is_recorded_leaves_the_mode_as_it_was(moving, monkeypatch):
    from orders.cutover import switch

    def fails(*args, **how):
        raise IntegrityError

    monkeypatch.setattr(switch, "_record", fails)
    with pytest.raises(IntegrityError), transaction.atomic():
        cut_over(moving.tenant, who="ann", reason="the day")
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == "migrating"


@pytest.mark.parametrize("to", ["proxy", "migrating"])
def test_the_way_back_keeps_what_was_received_and_applies_it(moving, to):
    cut_over(moving.tenant, who="ann", reason="the day")
    moving.put("a", status="CHANGED")
    moving.put("new")
    back = go_back(now(moving), to=to, who="bob")
    assert back.mode == to
    moving.drain()
    assert (moving.order("a").status, moving.statuses("new")) == ("CHANGED", ["applied"])
    done = OperatorAction.objects.filter(action="switch mode").latest("pk")
    assert (done.who, done.outcome, done.reason) == (
        "bob", f"events to {to}", "returned by hand; no reason was written"
    )  # fmt: skip
    reasons = [version.history_change_reason for version in back.history.all()[:2]]
    assert "bob: returned by hand; no reason was written" in reasons


def test_back_in_migrating_mode_who_was_notified_stays_notified(moving, monkeypatch):
    """Also of what was received before the return and is applied after it."""
    monkeypatch.setattr(planning, "channels", lambda: {"fake": FakeChannel()})
    Destination.objects.create(tenant=moving.tenant, channel="fake", name="partner")
    cut_over(moving.tenant, who="ann", reason="the day")
    moving.put("waits")
    back = go_back(now(moving), to="migrating", who="bob")
    moving.put("new")
    moving.put("a", status="CHANGED")
    moving.drain()
    assert list(Delivery.objects.order_by("pk").values_list("reference", flat=True)) == ["waits-1", "new-1"]
    assert back.tells_from == now(moving).tells_from
    assert OperatorAction.objects.filter(action="notify from").count() == 1


def test_a_tenant_that_never_migrated_goes_on_notifying_of_all(engine):
    Tenant.objects.filter(pk=engine.tenant.pk).update(external_url="https://oms.example.com/api/v1")
    back = go_back(engine.tenant, to="migrating", who="ann", reason="drill")
    assert back.tells_from == engine.tenant.created_at


def test_there_is_no_way_back_from_proxy_nor_to_events(moving, make_tenant):
    with pytest.raises(CutOverRefused, match="nothing to take back"):
        go_back(make_tenant("calm", "proxy"), to="migrating", who="ann")
    with pytest.raises(CutOverRefused, match="Choose where to"):
        go_back(moving.tenant, to="events", who="ann")
    with pytest.raises(CutOverRefused, match="migrating mode already"):
        go_back(moving.tenant, to="migrating", who="ann")


def test_without_an_address_to_go_back_to_it_is_refused(moving):
    cut_over(moving.tenant, who="ann", reason="the day")
    Tenant.objects.update(external_url="")
    with pytest.raises(CutOverRefused, match="Write the tenant's external URL"):
        go_back(now(moving), to="proxy", who="ann")


def test_what_would_change_is_said_before(moving):
    Destination.objects.create(tenant=moving.tenant, channel="supplier", name="beans")
    ledger.add(moving.tenant.pk, [("store-1", "c")], how="file")
    moving.put("a", status="LATE")
    said = cutting_over(moving.tenant, progress(moving.tenant.pk))
    assert said[:5] == [
        "Reads and searches are answered from the 2 orders stored here; its system is not asked.",
        "The 1 orders that were never received become unknown (404).",
        "Notified of orders first received from then on: beans.",
        "Nobody is notified of the 2 orders known before, or of their changes, until you release them here.",
        "Pending now: 1 order with events to apply and 0 orders with something to send; this work goes on.",
    ]
    assert "Orders that it sends are refused (405)" in going_back(moving.tenant, "proxy")[1]
    assert "still accepted and stored" in going_back(moving.tenant, "migrating")[1]


@pytest.mark.parametrize(("share", "words"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50 %"), (0.0, "0 %")])
def test_a_rate_is_never_rounded_up(share, words):
    assert percent(share) == words
