"""The one timeline of an order (docs/design/architecture.md#what-a-person-sees)."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.database.ids import new_id
from orders.dead_letters import dead_deliveries, dead_events
from orders.models import Delivery, DeliveryAttempt, Destination, Lane, OrderEvent, TimelineEntry
from orders.telemetry import timeline_entries
from orders.timeline import MOST_HAPPENINGS, Tone, happenings_of, timeline_of
from orders.values.order_key import OrderKey

pytestmark = pytest.mark.django_db


def shown(key):
    return [(one.source, one.what) for one in happenings_of(key)]


@pytest.fixture
def beans(engine):
    return Destination.objects.create(tenant=engine.tenant, channel="supplier", name="beans")


def delivery_of(engine, destination, **members):
    """A delivery of the order, as applying its event adds it."""
    lane, _ = Lane.objects.get_or_create(
        destination=destination, key=f"order:{engine.queue().pk}", defaults=engine.key()._asdict()
    )
    lane.last_position += 1
    lane.done_position = lane.last_position - (members.get("status", "pending") == "pending")
    lane.due_at = timezone.now() + timedelta(minutes=4, seconds=30) if lane.done_position < lane.last_position else None
    lane.save()
    return Delivery.objects.create(
        lane=lane,
        destination=destination,
        tenant=engine.tenant,
        position=lane.last_position,
        kind="order_created",
        payload="{}",
        **members,
    )


def tried(delivery, at, *, verdict="unavailable", detail="The receiver answered 503.", status=503):
    return DeliveryAttempt.objects.create(
        delivery=delivery,
        number=1,
        request_id=new_id(),
        started_at=at,
        duration_ms=35,
        verdict=verdict,
        detail=detail,
        response_status=status,
    )


def test_a_timeline_goes_from_reception_to_its_required_deliveries(engine):
    engine.put()
    engine.drain()
    assert shown(engine.key()) == [
        ("events", "Event 1 received"),
        ("events", "Event 1 applied"),
        ("events", "Nobody notified: no supplier or warehouse is concerned"),
    ]
    happenings = happenings_of(engine.key())
    assert happenings[0].correlation_id == "test"
    assert happenings[0].since is None
    assert happenings[1].since == happenings[1].at - happenings[0].at
    assert happenings[1].result.endswith("after reception")


def test_required_deliveries_and_reasons_are_words(engine, beans):
    event = engine.put()
    engine.drain()
    lines = [
        {"destination": beans.pk, "owes": "order_created"},
        {"destination": beans.pk, "because": "it is cancelled"},
    ]
    OrderEvent.objects.filter(pk=event.pk).update(owes=json.dumps(lines))
    assert shown(engine.key())[2:] == [
        ("events", "To be sent to supplier beans: order created"),
        ("events", "Supplier beans not notified: it is cancelled"),
    ]


def test_an_event_that_changed_nothing_reports_it(engine):
    engine.put()
    engine.drain()
    engine.put()
    engine.drain()
    assert shown(engine.key())[-1] == ("events", "Nobody notified: the event changed nothing")


def test_retries_fold_into_one_line(engine, beans):
    engine.put()
    engine.drain()
    start = timezone.now()
    delivery = delivery_of(engine, beans)
    for minute in (0, 1, 3, 6, 12):
        tried(delivery, start + timedelta(minutes=minute))
    last = happenings_of(engine.key())[-1]
    assert (last.what, last.result, last.tone) == (
        "beans: order created not through yet",
        "5 tries over 12 min, last: The receiver answered 503.",
        Tone.WAITING,
    )
    assert last.subject == f"delivery:{delivery.pk}"
    assert timeline_of(engine.key()).pending == ["Supplier beans: order created will be tried in 4 min."]


def test_a_stopped_destination_is_said_with_its_cause(engine, beans):
    engine.put()
    engine.drain()
    delivery_of(engine, beans)
    beans.state, beans.state_reason = "stopped", "it refused the password."
    beans.save()
    assert timeline_of(engine.key()).pending == [
        "Supplier beans: order created is held, because the destination is stopped: it refused the password."
    ]


def test_a_dead_event_and_what_a_person_did_are_on_the_timeline(engine, faults):
    engine.put("fault-always-1")
    engine.drain_through_retries()
    key = engine.key("fault-always-1")
    dead = [one for one in happenings_of(key) if one.tone == Tone.PERSON]
    assert [one.what for one in dead] == ["Event 1 failed for good"]
    assert dead[0].result.startswith("6 tries over")
    dead_events.discard(OrderEvent.objects.get(), who="maria", reason="test order")
    assert shown(key)[-1] == ("operator", "maria discarded the event")
    assert happenings_of(key)[-1].result == "because: test order; it is now discarded"
    assert timeline_of(key).headline == "The newest event was discarded."


def test_a_delivery_that_a_supplier_asked_for_once_more_reads_as_a_sentence(engine, beans):
    engine.put()
    engine.drain()
    delivery = delivery_of(engine, beans, status="delivered", finished_at=timezone.now())
    dead_deliveries.redeliver(delivery, who="supplier beans", reason="our server was away")
    assert shown(engine.key())[-1] == ("operator", "supplier beans asked once more for the delivery")


def test_a_superseded_event_names_the_newer_one(engine, faults, settings):
    engine.put("fault-6-1")
    engine.drain_through_retries()
    settings.HUB_FAULT_INJECTION = False
    engine.put("fault-6-1", status="IN_PROGRESS")
    engine.drain_through_retries()
    dead_events.retry(OrderEvent.objects.get(sequence=1), who="maria")
    results = {one.what: one.result for one in happenings_of(engine.key("fault-6-1"))}
    assert results["Event 1 set aside"] == "superseded by event 2, which was applied first"


def test_an_order_that_is_only_read_through_has_a_timeline(engine):
    key = OrderKey(engine.tenant.pk, "store-1", "only-proxied")
    timeline_entries.record(key, source="proxy", what="Read failed: busy", correlation_id="c-1")
    assert shown(key) == [("proxy", "Read failed: busy")]
    assert timeline_of(key).pending == []
    assert timeline_of(key).headline.startswith("Nothing of this order is stored here")


def test_another_tenants_order_of_the_same_id_is_another_timeline(engine, other_engine):
    engine.put()
    assert happenings_of(other_engine.key()) == []


def test_a_long_history_costs_no_more_queries_and_is_cut_to_the_newest(engine, beans):
    engine.put()
    engine.drain()
    start = timezone.now()
    with CaptureQueriesContext(connection) as short:
        timeline_of(engine.key())
    for number in range(8):
        tried(delivery_of(engine, beans, status="delivered", finished_at=start), start + timedelta(seconds=number))
    TimelineEntry.objects.bulk_create(
        TimelineEntry(**engine.key()._asdict(), at=start + timedelta(seconds=n), road="proxy", what=f"no. {n}")
        for n in range(MOST_HAPPENINGS + 20)
    )
    with CaptureQueriesContext(connection) as long:
        happenings = happenings_of(engine.key())
    assert len(happenings) == MOST_HAPPENINGS + 1
    assert happenings[0].what == f"Older happenings are left out; these are the newest {MOST_HAPPENINGS}."
    assert happenings[-1].what == f"no. {MOST_HAPPENINGS + 19}"
    assert len(short) <= 9
    assert len(long) <= 10
