"""Operators release orders known before: previewed, sent in their present state, once, recorded."""

import json
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connections

from orders.cutover import release_work, releases
from orders.cutover.order_choice import Choice
from orders.cutover.release_work import Releasing
from orders.cutover.releases import ReleaseRefused, preview, release
from orders.models import Delivery, Destination, OperatorAction, Order, OrderQueue, OrderRelease, Tenant
from orders.monitoring.attention import problems
from orders.onboarding.mode_change import switch_mode
from orders.outbox import planning
from orders.tasks import periodic_work
from orders.timeline import happenings_of
from suppliers.models import Notice, Supplier, SupplierPart, Webhook
from tests.orders.fake_channel import FakeChannel

pytestmark = [pytest.mark.django_db, pytest.mark.both]

ALL = Choice()


@pytest.fixture
def notified(engine, monkeypatch):
    monkeypatch.setattr(planning, "channels", lambda: {"fake": FakeChannel()})
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="partner")


@pytest.fixture
def moved(engine):
    """Orders a, b and c were loaded while migrating; c is cancelled. The cut-over is done."""
    Tenant.objects.filter(pk=engine.tenant.pk).update(external_url="https://oms.example.com/api/v1")
    switch_mode(engine.tenant, "migrating", who="ops")
    engine.put("a")
    engine.put("b", status="PACKED")
    engine.put("c", status="CANCELLED")
    engine.drain()
    switch_mode(engine.tenant, "events", who="ops")
    return engine


def pending():
    return list(Delivery.objects.order_by("pk").values_list("reference", flat=True))


def run():
    while Releasing().due():
        Releasing().run()


def test_a_preview_counts_what_would_be_sent_per_destination_and_writes_nothing(moved, notified):
    seen = preview(moved.tenant, ALL)
    assert (seen.orders, seen.deliveries, seen.estimated) == (3, {notified.pk: 3}, False)
    assert preview(moved.tenant, Choice(status="PACKED")).deliveries == {notified.pk: 1}
    assert (pending(), Order.objects.filter(known_before=True).count()) == ([], 3)


def test_a_preview_of_very_many_orders_is_marked_as_an_estimate(moved, notified, monkeypatch):
    monkeypatch.setattr(releases, "PREVIEW_MOST", 1)
    monkeypatch.setattr(releases, "CHUNK", 1)
    seen = preview(moved.tenant, ALL)
    assert (seen.orders, seen.deliveries, seen.estimated) == (3, {notified.pk: 3}, True)


def test_one_order_is_released_at_once_and_its_changes_are_sent(moved, notified):
    done = release(moved.tenant, Choice(business_unit_id="store-1", customer_order_id="a"), who="ann", reason="asked")
    assert (done.finished_at is not None, done.released, done.owed) == (True, 1, {str(notified.pk): 1})
    assert pending() == ["a-1"]
    assert not moved.order("a").known_before
    moved.put("a", status="SHIPPED")
    moved.put("b", status="SHIPPED")
    moved.drain()
    assert pending() == ["a-1", "a-2"]


def test_a_released_order_is_sent_in_its_present_state(moved, notified):
    moved.put("a", status="PACKED")
    moved.drain()
    release(moved.tenant, Choice(business_unit_id="store-1", customer_order_id="a"), who="ann", reason="asked")
    delivery = Delivery.objects.get()
    newest = moved.queue("a").events.get(sequence=2)
    assert (delivery.sequence, delivery.event_id, delivery.correlation_id) == (2, newest.pk, "test")


def test_all_orders_are_released_by_a_worker_chunk_by_chunk(moved, notified, monkeypatch):
    monkeypatch.setattr(release_work, "CHUNK", 2)
    ordered = release(moved.tenant, ALL, who="ann", reason="asked")
    assert (ordered.finished_at, pending()) == (None, [])
    run()
    ordered.refresh_from_db()
    assert (ordered.released, ordered.owed, ordered.finished_at is None) == (3, {str(notified.pk): 3}, False)
    assert sorted(pending()) == ["a-1", "b-1", "c-1"]


def test_a_filter_releases_what_it_finds_and_no_order_that_came_later(moved, notified):
    ordered = release(moved.tenant, Choice(status="PACKED"), who="ann", reason="asked")
    switch_mode(moved.tenant, "migrating", who="ops")
    moved.put("later", status="PACKED")
    moved.drain()
    switch_mode(moved.tenant, "events", who="ops")
    run()
    assert pending() == ["b-1"]
    assert sorted(Order.objects.filter(known_before=True).values_list("customer_order_id", flat=True)) == [
        "a", "c", "later",
    ]  # fmt: skip
    ordered.refresh_from_db()
    assert ordered.released == 1


def test_who_and_why_stand_on_each_orders_timeline(moved, notified):
    release(moved.tenant, Choice(status="PACKED"), who="ann", reason="the warehouse asked")
    run()
    action = OperatorAction.objects.get(action="release")
    assert (action.who, action.reason, action.outcome, action.customer_order_id) == (
        "ann", "the warehouse asked", "1 delivery added", "b",
    )  # fmt: skip
    assert "ann released the order" in [line.what for line in happenings_of(moved.key("b"))]
    assert OrderRelease.objects.get().who == "ann"


def test_an_order_that_a_worker_holds_is_released_when_it_is_free(moved, notified):
    OrderQueue.objects.filter(customer_order_id="a").update(lease=uuid.uuid4(), due_at="2999-01-01T00:00Z")
    ordered = release(moved.tenant, ALL, who="ann", reason="asked")
    assert release_work._chunk(ordered.pk) == 2
    assert release_work._chunk(ordered.pk) == 0
    assert moved.order("a").known_before
    OrderQueue.objects.filter(customer_order_id="a").update(lease=None, due_at=None)
    run()
    assert sorted(pending()) == ["a-1", "b-1", "c-1"]


def test_a_chunk_that_fails_releases_nothing_of_it(moved, notified, monkeypatch):
    ordered = release(moved.tenant, ALL, who="ann", reason="asked")
    monkeypatch.setattr(release_work, "_record", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        release_work._chunk(ordered.pk)
    assert (pending(), Order.objects.filter(known_before=True).count()) == ([], 3)


@pytest.mark.django_db(transaction=True)
def test_two_workers_release_each_order_once(moved, notified, monkeypatch):
    monkeypatch.setattr(release_work, "CHUNK", 1)
    release(moved.tenant, ALL, who="ann", reason="asked")

    def work():
        try:
            run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pending()) == ["a-1", "b-1", "c-1"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_release_wants_a_reason(moved, notified, reason):
    with pytest.raises(ReleaseRefused, match="Write why"):
        release(moved.tenant, ALL, who="ann", reason=reason)


def test_nothing_is_released_while_nobody_is_notified(moved, notified):
    switch_mode(moved.tenant, "migrating", who="ops")
    with pytest.raises(ReleaseRefused, match="nobody is notified"):
        release(moved.tenant, ALL, who="ann", reason="asked")
    assert not OrderRelease.objects.exists()


def test_a_release_that_finds_no_order_reports_it(moved, notified):
    with pytest.raises(ReleaseRefused, match="No order"):
        release(moved.tenant, Choice(status="NONE"), who="ann", reason="asked")


def test_a_choice_is_kept_as_it_was_made(moved):
    moment = moved.order("a").received_at
    choice = Choice(status="PACKED", received_from=moment)
    assert Choice.from_json(json.loads(json.dumps(choice.as_json()))) == choice


def test_a_release_that_fails_holds_up_no_other_tenants_and_is_said_after_an_hour(engine, other_engine, monkeypatch):
    for one in (engine, other_engine):
        one.put("a")
        one.drain()
        Order.objects.filter(tenant=one.tenant).update(known_before=True)
        release(one.tenant, ALL, who="ann", reason="all is well")

    def plan_of(tenant, orders):
        if tenant == engine.tenant:
            raise LookupError("one order's trouble")
        return releases.plan_of(tenant, orders)

    monkeypatch.setattr(release_work, "plan_of", plan_of)
    Releasing().run()
    broken = OrderRelease.objects.get(finished_at=None)
    assert broken.tenant == engine.tenant
    assert problems(None) == []
    OrderRelease.objects.update(created_at=broken.created_at - timedelta(minutes=61))
    [one] = problems(engine.tenant.pk)
    assert "Acme Retail: a release of known orders began 1 h 1 min ago and has not ended; 0 orders" in one.sentence
    assert (problems(other_engine.tenant.pk), [line.sentence for line in problems(None)]) == ([], [one.sentence])


def test_the_page_behind_the_sentence_of_an_unfinished_release_is_the_tenants_cut_over(moved, root):
    OrderRelease.objects.create(tenant=moved.tenant, who="ann", choice={}, created_at="2026-01-01T00:00:00Z")
    [one] = problems(None)
    assert root.get(one.url).status_code == 200


def test_the_work_is_among_what_the_hub_does_by_itself():
    assert any(isinstance(one, Releasing) for one in periodic_work())


def test_a_supplier_is_notified_of_released_orders_as_of_new_ones(moved):
    hook = Destination.objects.create(tenant=moved.tenant, channel="supplier", name="beans")
    beans = Supplier.objects.create(tenant=moved.tenant, slug="beans", name="Beans", position=0, item_patterns=["*"])
    Webhook.objects.create(supplier=beans, destination=hook, url="https://beans.example.com/", events=["order_created"])
    moved.put("a", status="PACKED")
    moved.drain()
    assert not SupplierPart.objects.exists()
    assert preview(moved.tenant, ALL).deliveries == {hook.pk: 2}
    assert not SupplierPart.objects.exists()
    release(moved.tenant, ALL, who="ann", reason="asked")
    run()
    assert sorted(part.customer_order_id for part in SupplierPart.objects.all()) == ["a", "b"]
    assert [notice.event_type for notice in Notice.objects.all()] == ["order_created", "order_created"]


def test_the_order_page_says_that_it_was_known_before(moved, root):
    said = "not notified of it until it is released"
    assert said in root.get(f"/admin/orders/order/{moved.order('a').pk}/change/").content.decode()
    moved.put("new")
    moved.drain()
    assert said not in root.get(f"/admin/orders/order/{moved.order('new').pk}/change/").content.decode()
