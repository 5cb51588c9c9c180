"""Orders first stored while nobody is notified: their changes notify nobody, also after the cut-over; new orders do."""

import json
from datetime import timedelta

import pytest

from orders.models import Delivery, Destination, OperatorAction, Order, OrderEvent, Tenant
from orders.onboarding.mode_change import set_notify_from, switch_mode
from orders.outbox import planning
from orders.timeline import happenings_of
from tests.bodies import body
from tests.orders.fake_channel import FakeChannel

pytestmark = [pytest.mark.django_db, pytest.mark.both]

NOTHING = "Nobody notified: it was known before the cut-over"


@pytest.fixture(autouse=True)
def notified(engine, monkeypatch):
    """One destination that is notified of every change."""
    monkeypatch.setattr(planning, "channels", lambda: {"fake": FakeChannel()})
    Tenant.objects.filter(pk=engine.tenant.pk).update(external_url="https://oms.example.com/api/v1")
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="partner")


@pytest.fixture
def switch(engine):
    def to(mode):
        return switch_mode(engine.tenant, mode, who="ops", reason="the plan")

    return to


def pending():
    return list(Delivery.objects.order_by("pk").values_list("reference", flat=True))


def planned(engine, order_id="1001"):
    return [
        line.what
        for line in happenings_of(engine.key(order_id))
        if line.what.startswith(("Nobody notified", "To be sent"))
    ]


def test_while_migrating_nobody_is_notified_and_the_order_is_known_before(engine, switch):
    switch("migrating")
    engine.put()
    engine.drain()
    assert pending() == []
    assert engine.order().known_before
    assert planned(engine) == [NOTHING]


def test_a_change_of_an_order_known_before_notifies_nobody_after_the_cut_over_either(engine, switch):
    switch("migrating")
    engine.put()
    engine.drain()
    switch("events")
    engine.put(status="PACKED")
    engine.drain()
    assert pending() == []
    assert engine.order().status == "PACKED"
    assert planned(engine) == [NOTHING, NOTHING]


def test_an_order_first_received_after_the_cut_over_is_sent(engine, switch):
    switch("migrating")
    switch("events")
    engine.put("2001")
    engine.drain()
    assert not engine.order("2001").known_before
    assert pending() == ["2001-1"]


def test_the_time_of_reception_decides_not_of_applying(engine, switch):
    switch("migrating")
    engine.put()
    switch("events")
    engine.drain()
    assert engine.order().known_before
    assert pending() == []


def test_an_order_whose_first_event_died_while_migrating_is_known_before(engine, switch, faults):
    Tenant.objects.update(event_retry_schedule=[0])
    switch("migrating")
    engine.put("fault-2-a")
    engine.drain_through_retries()
    switch("events")
    Tenant.objects.update(event_retry_schedule=[0, 0, 0])
    engine.put("fault-2-a")
    engine.drain_through_retries()
    assert engine.statuses("fault-2-a") == ["dead", "applied"]
    assert engine.order("fault-2-a").known_before


def test_from_a_chosen_moment_new_orders_are_sent_while_migrating(engine, switch):
    switch("migrating")
    engine.put("old")
    engine.drain()
    moment = OrderEvent.objects.get().received_at + timedelta(microseconds=1)
    set_notify_from(engine.tenant, moment, who="ops")
    engine.put("old", status="PACKED")
    engine.put("new")
    engine.drain()
    assert pending() == ["new-1"]
    assert [engine.order("old").known_before, engine.order("new").known_before] == [True, False]


def test_an_order_that_was_sent_before_the_migration_is_not_known_before(engine, switch):
    engine.put()
    engine.drain()
    switch("migrating")
    engine.put(status="PACKED")
    engine.drain()
    assert pending() == ["1001-1"]
    assert planned(engine)[-1] == "Nobody notified: the tenant is migrating"
    switch("events")
    engine.put(status="SHIPPED")
    engine.drain()
    assert pending() == ["1001-1", "1001-3"]


def test_giving_up_a_migration_leaves_what_was_received_meanwhile_without_notification(engine, switch):
    switch("migrating")
    engine.put()
    switch("proxy")
    engine.drain()
    assert engine.order().known_before
    assert pending() == []


def test_a_tenant_that_never_migrated_notifies_of_every_order(engine, switch):
    switch("proxy")
    switch("events")
    engine.put()
    engine.drain()
    assert (pending(), Order.objects.get().known_before) == (["1001-1"], False)


def test_a_switch_is_recorded_with_who_and_why(engine, switch):
    assert switch("migrating").tells_from is None
    after = switch("events")
    assert after.tells_from is not None
    actions = OperatorAction.objects.order_by("pk").values_list("who", "action", "reason", "outcome")
    assert list(actions) == [
        ("ops", "switch mode", "the plan", "events to migrating"),
        ("ops", "switch mode", "the plan", "migrating to events"),
    ]


def test_a_switch_to_the_present_mode_changes_nothing(engine, switch):
    switch("events")
    assert not OperatorAction.objects.exists()


def test_the_onboarding_file_ends_a_migration_like_a_switch(engine, switch, tmp_path):
    from django.core.management import call_command

    switch("migrating")
    engine.put()
    file = tmp_path / "tenants.yaml"
    entry = {"id": "acme", "name": "Acme", "mode": "events", "external_url": "https://oms.example.com/api/v1"}
    file.write_text(json.dumps({"tenants": [entry]}))
    call_command("onboard", str(file))
    engine.put("new")
    engine.drain()
    assert pending() == ["new-1"]
    assert (Tenant.objects.get().mode, engine.order().known_before) == ("events", True)


def test_put_is_taken_while_migrating_and_reads_still_go_to_the_own_system(make_tenant, sign_in, apply_all, settings):
    import ipaddress

    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    caller = sign_in(make_tenant("bolt", "migrating", external_url="https://oms.example.com/api/v1"))
    address = "/api/v1/business-units/store-1/customer-orders/1001"
    assert caller.put(address, body()).status_code == 202
    apply_all()
    assert Order.objects.count() == 1
    refused = caller.get(address)
    assert (refused.status_code, json.loads(refused.content)["type"]) == (
        503, "urn:orderhub:problem:proxy-not-configured",
    )  # fmt: skip
