"""Old history goes; what is owed, dead or the source of an order's present state stays."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from orders.database.ids import earliest_id, new_id
from orders.models import (
    Delivery,
    DeliveryAttempt,
    Destination,
    Lane,
    Order,
    OrderEvent,
    OrderQueue,
    Retention,
    TimelineEntry,
)
from orders.retention import history
from orders.telemetry import timeline_entries

pytestmark = [pytest.mark.django_db, pytest.mark.both]

LONG_AGO = timezone.now() - timedelta(days=40)


def age(rows, moment=LONG_AGO):
    """As if they had come and ended then: ids carry the time."""
    aged = []
    for number, row in enumerate(rows.order_by("pk")):
        pk = type(row).objects.filter(pk=row.pk)
        id_then = type(new_id())(int=earliest_id(moment).int + (7 << 76) + number)
        ended = {} if row.finished_at is None else {"finished_at": moment}
        pk.update(id=id_then, **ended)
        aged.append(id_then)
    return aged


def run(tenant, days=30):
    held, _ = Retention.objects.update_or_create(tenant=tenant, defaults={"days": days})
    while history.remove_batch(held.pk):
        pass
    held.refresh_from_db()
    return held


def delivered(engine, *, statuses):
    """One lane with a delivery of each status in line, each with a try."""
    destination = Destination.objects.create(tenant=engine.tenant, channel="supplier", name="beans")
    lane = Lane.objects.create(
        destination=destination, key=f"order:{engine.queue().pk}", last_position=len(statuses),
        done_position=len(statuses), **engine.key()._asdict(),
    )  # fmt: skip
    for position, status in enumerate(statuses, 1):
        made = Delivery.objects.create(
            id=type(new_id())(int=earliest_id(LONG_AGO).int + position),
            lane=lane, destination=destination, tenant=engine.tenant, position=position, kind="order_updated",
            payload="{}", status=status, finished_at=None if status == "pending" else LONG_AGO,
        )  # fmt: skip
        DeliveryAttempt.objects.create(
            delivery=made, number=1, request_id=new_id(), started_at=LONG_AGO, duration_ms=1, verdict="delivered"
        )
    return lane


def test_old_events_go_but_the_one_that_the_order_comes_from_and_the_order_stay(engine):
    for customer in "abc":
        engine.put(customer=customer)
    engine.drain()
    before = engine.order().document
    age(OrderEvent.objects.all())
    held = run(engine.tenant)
    assert list(OrderEvent.objects.values_list("sequence", flat=True)) == [3]
    assert engine.order().document == before
    assert held.removed == 2
    assert engine.put(customer="d").sequence == 4


def test_what_is_younger_than_the_tenants_days_stays(engine):
    for customer in "abc":
        engine.put(customer=customer)
    engine.drain()
    assert run(engine.tenant, days=7).removed == 0
    assert OrderEvent.objects.count() == 3


def test_pending_and_dead_events_stay_however_old(engine, faults):
    engine.put("fault-always-1")
    engine.drain_through_retries()
    engine.put("2002")
    OrderQueue.objects.filter(customer_order_id="2002").update(due_at=timezone.now() + timedelta(days=1))
    age(OrderEvent.objects.all())
    assert run(engine.tenant).removed == 0
    assert sorted(OrderEvent.objects.values_list("status", flat=True)) == ["dead", "pending"]


def test_an_old_event_that_ended_only_lately_stays(engine):
    for customer in "ab":
        engine.put(customer=customer)
    engine.drain()
    age(OrderEvent.objects.all())
    OrderEvent.objects.update(finished_at=timezone.now())
    assert run(engine.tenant).removed == 0


def test_old_deliveries_go_with_their_tries_but_the_last_of_a_lane_and_the_dead_stay(engine):
    engine.put()
    engine.drain()
    delivered(engine, statuses=("delivered", "dead", "superseded", "discarded", "delivered"))
    run(engine.tenant)
    assert list(Delivery.objects.order_by("position").values_list("position", "status")) == [
        (2, "dead"),
        (5, "delivered"),
    ]
    assert DeliveryAttempt.objects.count() == 2


def test_a_pending_delivery_stays_and_so_does_its_lane(engine):
    engine.put()
    engine.drain()
    lane = delivered(engine, statuses=("pending", "pending"))
    Lane.objects.filter(pk=lane.pk).update(done_position=0, due_at=timezone.now())
    assert run(engine.tenant).removed == 0
    assert Delivery.objects.count() == 2


def test_old_timeline_entries_of_this_tenant_only_go(engine, other_engine):
    for one in (engine, other_engine):
        timeline_entries.record(one.key(), source="proxy", what="a read failed")
    TimelineEntry.objects.update(at=LONG_AGO)
    timeline_entries.record(engine.key(), source="proxy", what="a read failed lately")
    assert run(engine.tenant).removed == 1
    assert sorted(TimelineEntry.objects.values_list("tenant", "what")) == sorted(
        [(engine.tenant.pk, "a read failed lately"), (other_engine.tenant.pk, "a read failed")]
    )


def test_another_tenants_history_stays(engine, other_engine):
    for one in (engine, other_engine):
        one.put()
        one.put(customer="b")
        one.drain()
    age(OrderEvent.objects.all())
    run(engine.tenant)
    assert OrderEvent.objects.filter(tenant=engine.tenant).count() == 1
    assert OrderEvent.objects.filter(tenant=other_engine.tenant).count() == 2


def test_a_killed_run_goes_on_where_it_was(engine, monkeypatch):
    monkeypatch.setattr(history, "BATCH_ROWS", 2)
    for number in range(6):
        engine.put(customer=str(number))
    engine.drain()
    age(OrderEvent.objects.all())
    held = Retention.objects.create(tenant=engine.tenant, days=30)
    assert history.remove_batch(held.pk)  # no deliveries
    assert history.remove_batch(held.pk)  # two events
    assert OrderEvent.objects.count() == 4
    held.refresh_from_db()
    assert held.finished_at is None
    assert history.RemovingHistory().due()
    history.RemovingHistory().run()
    assert list(OrderEvent.objects.values_list("sequence", flat=True)) == [6]
    assert not history.RemovingHistory().due()


def test_a_run_starts_anew_a_day_after_the_last(engine):
    run(engine.tenant)
    assert not history.RemovingHistory().due()
    Retention.objects.update(finished_at=F("finished_at") - timedelta(days=1, minutes=1))
    assert history.RemovingHistory().due()


def test_less_than_a_week_is_refused_by_the_database(engine):
    with pytest.raises(IntegrityError, match="retention_is_a_week_or_more"), transaction.atomic():
        Retention.objects.create(tenant=engine.tenant, days=6)


def test_a_tenant_without_a_number_of_days_keeps_everything(engine):
    engine.put()
    engine.put(customer="b")
    engine.drain()
    age(OrderEvent.objects.all())
    history.RemovingHistory().run()
    assert OrderEvent.objects.count() == 2
    assert Order.objects.count() == 1
