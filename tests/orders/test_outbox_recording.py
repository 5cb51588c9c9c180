"""Outcomes of which one cannot be recorded: the others are, leases go on, and it is sent no more often than it must."""

import threading

import pytest
from django.db import OperationalError

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Outcome, Verdict
from orders.models import Delivery, DeliveryAttempt, Destination, Lane
from orders.outbox import dispatcher, recorder
from tests.orders.fake_channel import FAILED, FakeChannel, add_pending, due_now, status
from tests.orders.outbox import record_finished
from tests.orders.test_locked_rows import held
from tests.orders.test_outbox_leases import in_thread
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def peas(engine, beans):
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas")


def attempts(reference):
    return Delivery.objects.get(reference=reference).attempts


@pytest.mark.needs_postgres
@pytest.mark.parametrize("locked", ["lane", "destination"])
def test_a_locked_row_of_one_destination_holds_up_no_outcome_of_another(beans, peas, locked):
    for destination, reference in ((beans, "a1"), (peas, "b1")):
        add_pending(destination, reference)
    back = dispatcher.claim_requests(10, most=10)
    for sent in back:
        sent.outcomes = [FAILED]
    rows = {"lane": Lane.objects.filter(destination=beans), "destination": Destination.objects.filter(pk=beans.pk)}
    with held(rows[locked]):
        recording = in_thread(lambda: record_finished(back))
        wait_until(lambda: attempts("b1") == 1, seconds=10)
        assert attempts("a1") == 0
    recording.join()
    assert (attempts("a1"), attempts("b1")) == (1, 1)


@pytest.mark.needs_postgres
def test_leases_are_renewed_while_an_outcome_is_locked(beans, peas, monkeypatch):
    monkeypatch.setattr(dispatcher, "RENEW_SECONDS", 0.0)
    slow, real = threading.Event(), FakeChannel.send

    def send(self, request):
        if request.destination == peas:
            slow.wait(20)
        return real(self, request)

    monkeypatch.setattr(FakeChannel, "send", send)
    add_pending(beans, "a1")
    add_pending(peas, "b1")
    FakeChannel.gate = threading.Event()
    running = in_thread(dispatcher.Dispatcher().run)
    try:
        wait_until(lambda: FakeChannel.in_flight == 1, seconds=10)
        with held(Lane.objects.filter(destination=beans)):
            FakeChannel.gate.set()
            wait_until(lambda: FakeChannel.in_flight == 0, seconds=10)
            for _ in range(3):
                until = DatabaseClock().now(dispatcher.LEASE_SECONDS)
                wait_until(lambda until=until: Lane.objects.get(destination=peas).due_at > until, seconds=10)
    finally:
        FakeChannel.gate.set()
        slow.set()
        running.join()
    assert (status("a1"), status("b1"), sorted(FakeChannel.sent)) == ("delivered", "delivered", ["a1", "b1"])


def bad_ones_cannot_be_stored(monkeypatch):
    def recorded(self, outcomes):
        if any(delivery.reference.startswith("bad") for delivery, _ in outcomes):
            raise ValueError("a bug")

    monkeypatch.setattr(FakeChannel, "recorded", recorded)


def test_an_outcome_that_cannot_be_stored_is_an_attempt_and_no_other_is_lost(beans, peas, monkeypatch, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0.0]
    bad_ones_cannot_be_stored(monkeypatch)
    Destination.objects.update(concurrency=10)
    for number in range(6):
        add_pending(beans, f"good{number}", lane=f"order:{number}")
    add_pending(beans, "bad", lane="order:bad")
    add_pending(peas, "other")
    dispatcher.deliver()
    assert (status("bad"), attempts("bad"), FakeChannel.sent.count("bad")) == ("dead", 2, 2)
    words = "recording failed inside the hub (ValueError); see the log"
    assert (
        list(DeliveryAttempt.objects.filter(delivery__reference="bad").values_list("detail", flat=True)) == [words] * 2
    )
    others = Delivery.objects.exclude(reference="bad")
    assert set(others.values_list("status", "attempts")) == {("delivered", 1)}
    assert len(FakeChannel.sent) == 7 + 2


def test_of_one_request_only_the_delivery_at_fault_is_tried_again(beans, monkeypatch):
    bad_ones_cannot_be_stored(monkeypatch)
    Destination.objects.update(concurrency=10)
    FakeChannel.batch = 4
    for name in ("good1", "bad", "good2", "good3"):
        add_pending(beans, name, lane=f"order:{name}")
    dispatcher.deliver()
    assert {one: (status(one), attempts(one)) for one in FakeChannel.sent} == {
        "good1": ("delivered", 1), "bad": ("pending", 1), "good2": ("delivered", 1), "good3": ("delivered", 1),
    }  # fmt: skip


def test_an_outcome_that_cannot_even_be_told_is_given_up_and_holds_nobody(beans, peas, monkeypatch):
    real = recorder.record

    def record(tried, **options):
        if any(one.delivery.reference == "bad" for one in tried):
            raise ValueError("a bug")
        real(tried, **options)

    monkeypatch.setattr(recorder, "record", record)
    add_pending(beans, "bad")
    add_pending(peas, "good")
    dispatcher.deliver()
    assert (status("bad"), attempts("bad"), status("good")) == ("pending", 0, "delivered")
    monkeypatch.undo()
    due_now()
    dispatcher.deliver()
    assert (status("bad"), FakeChannel.sent.count("good")) == ("delivered", 1)


def test_a_channel_that_answers_for_fewer_deliveries_than_it_got_holds_up_nobody(beans, peas, monkeypatch):
    real = FakeChannel.send

    def send(self, request):
        return real(self, request)[: 0 if request.destination == beans else None]

    monkeypatch.setattr(FakeChannel, "send", send)
    add_pending(beans, "a1")
    add_pending(peas, "b1")
    dispatcher.deliver()
    assert (status("a1"), attempts("a1"), status("b1")) == ("pending", 1, "delivered")


def test_trouble_with_claiming_keeps_no_outcome_from_being_recorded(beans, monkeypatch):
    monkeypatch.setattr(dispatcher, "REST_SECONDS", 0.0)
    real, claims = dispatcher.claim_requests, []
    FakeChannel.gate = threading.Event()

    def claim(room, *, most):
        claims.append(most)
        if len(claims) == 1:
            return real(room, most=most)
        FakeChannel.gate.set()
        if len(claims) == 100:
            pytest.fail("nothing was recorded meanwhile")
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(dispatcher, "claim_requests", claim)
    add_pending(beans, "a1")
    with pytest.raises(OperationalError):
        dispatcher.Dispatcher().run()
    assert (status("a1"), attempts("a1"), FakeChannel.sent) == ("delivered", 1, ["a1"])


def test_however_long_new_outcomes_take_those_that_failed_before_have_their_turn(beans, monkeypatch):
    recorded = []

    def record(tried, **options):
        if len(tried) > 1:
            raise ValueError("a bug")
        recorded.extend(one.delivery.reference for one in tried)

    monkeypatch.setattr(recorder, "record", record)
    monkeypatch.setattr(recorder, "ROUND_SECONDS", -1.0)
    Destination.objects.update(concurrency=10)
    for name in ("a1", "a2", "new1", "new2"):
        add_pending(beans, name, lane=f"order:{name}")
    a1, a2, *new = dispatcher.claim_requests(10, most=10)
    for sent in (a1, a2, *new):
        sent.outcomes = [FAILED]
    rounds = recorder.Recorder(lambda sent: None)
    rounds.add([a1, a2])
    for sent in new:
        rounds.work()
        rounds.add([sent])
    rounds.work()
    assert recorded == ["a1", "new1", "a2", "new2"]


def test_what_cannot_be_recorded_within_its_channels_whole_lease_is_dropped(beans, monkeypatch):
    def away(tried, **options):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(recorder, "record", away)
    add_pending(beans, "a1")
    [sent] = dispatcher.claim_requests(10, most=10)
    sent.outcomes = [Outcome(Verdict.DELIVERED)]
    sent.claimed -= FakeChannel.lease_seconds
    left = [sent]
    dropping = recorder.Recorder(left.remove)
    dropping.add([sent])
    with pytest.raises(OperationalError):
        dropping.work()
    assert (left, status("a1")) == ([], "pending")
