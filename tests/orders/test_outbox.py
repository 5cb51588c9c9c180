"""The laws of the outbox's lanes (docs/design/outbox.md), with a partner that answers what the test says."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Outcome, Verdict
from orders.models import Delivery, DeliveryAttempt, Destination, Lane
from orders.outbox import dispatcher, recorder
from orders.outbox.outcomes import CompletedAttempt, record
from orders.queueing.claims import LANES, claim
from tests.orders.fake_channel import DELIVERED, FAILED, FakeChannel, add_pending, due_now, status

pytestmark = [pytest.mark.both, pytest.mark.django_db]
REJECTED = Outcome(Verdict.REJECTED, "SKU BEAN-7 unknown", response_status=200)


def test_an_applied_event_requires_its_delivery_and_it_is_sent(engine, beans):
    engine.put()
    engine.drain()
    dispatcher.deliver()
    assert FakeChannel.sent == ["1001-1"]
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.sequence, delivery.error) == ("delivered", 1, 1, "")
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.verdict, attempt.response_status, attempt.number) == ("delivered", 202, 1)
    lane = Lane.objects.get()
    assert (lane.due_at, lane.lease, lane.done_position, lane.last_position) == (None, None, 1, 1)


def test_an_event_that_changed_nothing_requires_nothing(engine, beans):
    engine.put()
    engine.put()
    engine.drain()
    assert [delivery.reference for delivery in Delivery.objects.all()] == ["1001-1"]


def test_a_lane_goes_in_order_and_a_failing_head_holds_its_lane_only(beans):
    add_pending(beans, "a1", "a2", lane="order:1")
    add_pending(beans, "b1", lane="order:2")
    FakeChannel.answers["a1"] = [FAILED]
    dispatcher.deliver()
    assert sorted(FakeChannel.sent) == ["a1", "b1"]
    assert (status("a1"), status("a2"), status("b1")) == ("pending", "pending", "delivered")
    due_now()
    dispatcher.deliver()
    assert FakeChannel.sent[2:] == ["a1", "a2"]
    assert (status("a1"), status("a2")) == ("delivered", "delivered")


def test_a_retry_waits_its_step_with_jitter_up_to_a_fifth(beans, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [100.0]
    add_pending(beans, "a1")
    FakeChannel.answers["a1"] = [FAILED]
    before = DatabaseClock().now()
    dispatcher.deliver()
    assert 99 <= (Lane.objects.get().due_at - before).total_seconds() <= 125
    assert FakeChannel.sent == ["a1"]


def test_retry_after_lengthens_a_step_within_its_clamp(beans, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [100.0]
    add_pending(beans, "a1")
    FakeChannel.answers["a1"] = [Outcome(Verdict.UNAVAILABLE, "429", response_status=429, retry_after=100_000)]
    before = DatabaseClock().now()
    dispatcher.deliver()
    assert 3590 <= (Lane.objects.get().due_at - before).total_seconds() <= 3610


def test_an_asking_partner_makes_the_whole_destination_wait(beans):
    add_pending(beans, "a1", lane="order:1")
    FakeChannel.answers["a1"] = [
        Outcome(Verdict.UNAVAILABLE, "429", response_status=429, retry_after=60, destination_waits=True)
    ]
    dispatcher.deliver()
    add_pending(beans, "b1", lane="order:2")
    dispatcher.deliver()
    assert FakeChannel.sent == ["a1"]
    Destination.objects.update(waits_until=DatabaseClock().now(-1))
    dispatcher.deliver()
    assert FakeChannel.sent == ["a1", "b1"]


def test_a_shorter_wait_that_is_asked_for_later_does_not_replace_a_longer_one(beans):
    for name, seconds in (("a1", 600), ("b1", 60)):
        add_pending(beans, name, lane=f"order:{name}")
        FakeChannel.answers[name] = [
            Outcome(Verdict.UNAVAILABLE, "429", response_status=429, retry_after=seconds, destination_waits=True)
        ]
    before = DatabaseClock().now()
    dispatcher.deliver()
    assert sorted(FakeChannel.sent) == ["a1", "b1"]
    assert (Destination.objects.get().waits_until - before).total_seconds() >= 600


def test_after_the_last_retry_a_delivery_is_dead_and_its_lane_goes_on(beans, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [100.0]
    settings.HUB_BREAKER_FAILURES = 0
    add_pending(beans, "a1", "a2")
    FakeChannel.answers["a1"] = [FAILED, FAILED]
    dispatcher.deliver()
    due_now()
    dispatcher.deliver()
    assert (status("a1"), status("a2")) == ("dead", "delivered")
    assert Delivery.objects.get(reference="a1").attempts == 2
    assert Delivery.objects.get(reference="a1").error == "answered 500"


def test_a_rejected_delivery_is_dead_at_once(beans):
    add_pending(beans, "a1", "a2")
    FakeChannel.answers["a1"] = [REJECTED]
    dispatcher.deliver()
    assert (status("a1"), status("a2")) == ("dead", "delivered")


def test_a_dead_first_one_holds_its_lane(beans):
    add_pending(beans, "a1", kind="first")
    add_pending(beans, "a2")
    FakeChannel.answers["a1"] = [REJECTED]
    dispatcher.deliver()
    add_pending(beans, "a3")
    dispatcher.deliver()
    assert FakeChannel.sent == ["a1"]
    lane = Lane.objects.get()
    assert (lane.held_by, lane.due_at) == (Delivery.objects.get(reference="a1").pk, None)
    assert (status("a2"), status("a3")) == ("pending", "pending")


def test_several_go_out_in_one_request_where_the_channel_batches(beans):
    FakeChannel.batch = 3
    for number in range(3):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    FakeChannel.answers["1"] = [REJECTED]
    dispatcher.deliver()
    assert [status(f"{number}") for number in range(3)] == ["delivered", "dead", "delivered"]
    assert len(set(DeliveryAttempt.objects.values_list("request_id", flat=True))) == 1


def test_several_unsent_changes_are_one_and_the_newest_goes(beans):
    add_pending(beans, "a1", merge=True)
    add_pending(beans, "a2", "a3", merge=True)
    dispatcher.deliver()
    newest = Delivery.objects.get(reference="a3")
    assert FakeChannel.sent == ["a3"]
    for older in ("a1", "a2"):
        assert (status(older), Delivery.objects.get(reference=older).superseded_by is not None) == ("superseded", True)
    assert newest.status == "delivered"


def test_a_head_that_is_being_sent_is_left_to_its_outcome(beans):
    add_pending(beans, "a1", merge=True)
    claim(LANES, {beans.pk: 10}, lease_seconds=60)
    add_pending(beans, "a2", merge=True)
    assert status("a1") == "pending"
    add_pending(beans, "a3", merge=True)
    assert (status("a1"), status("a2"), status("a3")) == ("pending", "superseded", "pending")


def test_a_dispatcher_that_outlived_its_lease_records_nothing(beans, monkeypatch):
    add_pending(beans, "a1")
    stolen = uuid.uuid4()

    def steal(self, request):
        return [DELIVERED]

    monkeypatch.setattr(FakeChannel, "send", steal)
    real = recorder.record

    def steal_and_record(tried, **options):
        Lane.objects.update(lease=stolen)
        real(tried, **options)

    monkeypatch.setattr(recorder, "record", steal_and_record)
    dispatcher.deliver()
    assert (status("a1"), Delivery.objects.get().attempts) == ("pending", 0)
    assert Lane.objects.get().lease == stolen
    assert not DeliveryAttempt.objects.exists()


def test_a_fault_of_ours_while_sending_is_a_try_and_loses_nothing(beans, monkeypatch):
    add_pending(beans, "a1")

    def broken(self, request):
        raise RuntimeError("a bug")

    monkeypatch.setattr(FakeChannel, "send", broken)
    dispatcher.deliver()
    assert (status("a1"), Delivery.objects.get().attempts) == ("pending", 1)
    assert "RuntimeError" in Delivery.objects.get().error


def test_words_that_no_database_takes_keep_nobody_from_being_recorded(beans):
    add_pending(beans, "a1", lane="order:1")
    add_pending(beans, "b1", lane="order:2")
    FakeChannel.answers["a1"] = [Outcome(Verdict.REJECTED, "no\x00 \ud800" + "x" * 9_000, response_cut="\x00\udfff")]
    dispatcher.deliver()
    assert (status("a1"), status("b1")) == ("dead", "delivered")
    dead, tried = Delivery.objects.get(reference="a1"), DeliveryAttempt.objects.get(delivery__reference="a1")
    assert dead.error == tried.detail == ("no\ufffd ?" + "x" * 9_000)[:5_000]
    assert tried.response_cut == "\ufffd?"


def test_outcomes_are_recorded_set_wise(beans):
    Destination.objects.update(concurrency=20)
    tried = []
    for number in range(20):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    lease, _ = claim(LANES, {beans.pk: 20}, lease_seconds=60)
    beans.refresh_from_db()
    for delivery in Delivery.objects.all():
        tried.append(CompletedAttempt(delivery, beans, lease, DELIVERED, uuid.uuid4(), DatabaseClock().now(), 1.0))
    with CaptureQueriesContext(connection) as asked:
        record(tried)
    assert set(Delivery.objects.values_list("status", "attempts")) == {("delivered", 1)}
    assert (
        len([query for query in asked.captured_queries if query["sql"].startswith(("WITH", "SELECT", "INSERT"))]) <= 7
    )
