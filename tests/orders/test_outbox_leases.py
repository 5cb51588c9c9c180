"""Couriers beside each other, and one that dies or meets an error: nothing is lost, doubled or held up by it."""

import threading
import time

import pytest
from django.db import OperationalError

from orders.database.clock import DatabaseClock
from orders.dead_letters import dead_deliveries
from orders.integrations.channels import Outcome, Verdict
from orders.models import Delivery, Destination, Lane, Tenant
from orders.outbox import dispatcher, lane_heads, recorder, send_limits
from orders.queueing.claims import LANES, LEASE_SECONDS, renew
from tests.orders.fake_channel import FakeChannel, add_pending, due_now, status
from tests.orders.outbox import DELIVERED, UNAVAILABLE, Outbox, record_finished
from tests.processes import wait_until
from tests.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


def meanwhile(monkeypatch, module, name, work):
    """Another worker does ``work`` as a whole just before ``module.name`` is called the first time."""
    real, done = getattr(module, name), []

    def staged(*arguments, **options):
        if not done:
            done.append(True)
            in_thread(work).join()
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, staged)


def test_a_delivery_added_while_its_empty_lane_is_closed_is_sent(beans, monkeypatch):
    add_pending(beans, "a1", "a2")
    for reference in ("a1", "a2"):
        FakeChannel.answers[reference] = [Outcome(Verdict.REJECTED, "no", response_status=400)]
    dispatcher.deliver()
    dead_deliveries.retry(Delivery.objects.get(reference="a1"), who="ann")
    adding, close = [], lane_heads._close

    def close_while_one_is_added(lanes):
        if lanes:
            adding.append(in_thread(lambda: add_pending(beans, "a3")))
        close(lanes)

    monkeypatch.setattr(lane_heads, "_close", close_while_one_is_added)
    dispatcher.deliver()
    adding[0].join()
    dispatcher.deliver()
    assert (status("a1"), status("a2"), status("a3")) == ("delivered", "dead", "delivered")
    lane = Lane.objects.get()
    assert (lane.due_at, lane.lease, lane.done_position) == (None, None, 3)


def test_two_dispatchers_at_once_keep_a_destinations_concurrency(beans, monkeypatch):
    Destination.objects.update(concurrency=4)
    for number in range(12):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    found = []
    meanwhile(monkeypatch, lane_heads, "claim", lambda: found.extend(dispatcher.claim_requests(100, most=100)))
    found += dispatcher.claim_requests(100, most=100)
    assert len(found) == 4


def test_two_dispatchers_at_once_keep_a_destinations_rate(beans, monkeypatch):
    Destination.objects.update(concurrency=50, rate_limit_per_second=5)
    for number in range(12):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    found = []
    meanwhile(
        monkeypatch, send_limits, "recovery_allows", lambda: found.extend(dispatcher.claim_requests(100, most=100))
    )  # fmt: skip
    found += dispatcher.claim_requests(100, most=100)
    assert len(found) == 5


def test_with_room_for_one_each_destination_has_its_turn(engine, fake_channel):
    names = ("beans", "leeks", "peas")
    for name in names:
        destination = Destination.objects.create(tenant=engine.tenant, channel="fake", name=name)
        for number in range(3):
            add_pending(destination, f"{name}-{number}", lane=f"order:{number}")
    served = []
    for _ in names:
        sent = dispatcher.claim_requests(1, most=1)
        served += [one.request.destination.name for one in sent]
        for one in sent:
            one.outcomes = [DELIVERED]
        record_finished(sent)
    assert sorted(served) == sorted(names)


def test_an_error_in_the_database_stops_no_sending_while_a_slow_call_is_under_way(beans, engine, monkeypatch):
    peas = Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas")
    monkeypatch.setattr(dispatcher, "REST_SECONDS", 0.0)
    hung, real_send, real_claim, broke = threading.Event(), FakeChannel.send, dispatcher.claim_requests, []

    def send(self, request):
        if request.destination == beans:
            hung.wait(20)
        return real_send(self, request)

    def claim_once_broken(*arguments, **options):
        if Delivery.objects.filter(destination=peas).exists() and not broke:
            broke.append(True)
            raise OperationalError("server closed the connection unexpectedly")
        return real_claim(*arguments, **options)

    monkeypatch.setattr(FakeChannel, "send", send)
    monkeypatch.setattr(dispatcher, "claim_requests", claim_once_broken)
    add_pending(beans, "a1")
    running = in_thread(dispatcher.Dispatcher().run)
    try:
        wait_until(lambda: Lane.objects.filter(lease__isnull=False).exists(), seconds=10)
        add_pending(peas, "b1")
        wait_until(lambda: status("b1") == "delivered", seconds=10)
        assert (broke, status("a1")) == ([True], "pending")
    finally:
        hung.set()
        running.join()
    assert status("a1") == "delivered"


def test_outcomes_that_the_database_refused_are_recorded_later(beans, monkeypatch):
    monkeypatch.setattr(dispatcher, "REST_SECONDS", 0.0)
    real, broke = recorder.record, []

    def once_broken(tried, **options):
        if not broke:
            broke.append(True)
            raise OperationalError("deadlock detected")
        real(tried, **options)

    monkeypatch.setattr(recorder, "record", once_broken)
    add_pending(beans, "a1")
    dispatcher.deliver()
    assert (status("a1"), FakeChannel.sent, broke) == ("delivered", ["a1"], [True])


def test_a_dead_dispatchers_delivery_goes_on_after_its_short_lease_and_it_records_nothing_any_more(beans):
    add_pending(beans, "a1")
    dead = dispatcher.claim_requests(10, most=10)
    left = (Lane.objects.get().due_at - DatabaseClock().now()).total_seconds()
    assert 0 < left <= LEASE_SECONDS < 30
    due_now()
    dispatcher.deliver()
    assert (status("a1"), FakeChannel.sent) == ("delivered", ["a1"])
    dead[0].outcomes = [UNAVAILABLE]
    record_finished(dead)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == ("delivered", 1)


def test_a_lease_is_renewed_while_its_call_runs(beans, monkeypatch):
    monkeypatch.setattr(dispatcher, "RENEW_SECONDS", 0.0)
    FakeChannel.gate = threading.Event()
    add_pending(beans, "a1")
    running = in_thread(dispatcher.Dispatcher().run)
    try:
        wait_until(lambda: FakeChannel.in_flight == 1, seconds=10)
        claimed_until = Lane.objects.get().due_at
        wait_until(lambda: Lane.objects.get().due_at > claimed_until, seconds=4)
    finally:
        FakeChannel.gate.set()
        running.join()
    assert (status("a1"), FakeChannel.sent) == ("delivered", ["a1"])


def test_a_lease_is_not_renewed_beyond_its_channels_whole_lease(beans, monkeypatch):
    add_pending(beans, "a1")
    running = dispatcher.Dispatcher()
    [sent] = dispatcher.claim_requests(10, most=10)
    sent.claimed -= FakeChannel.lease_seconds
    running._under_way.add(sent)
    claimed_until = Lane.objects.get().due_at
    running._renew()
    assert Lane.objects.get().due_at == claimed_until


def test_another_dispatchers_lease_is_not_renewed(beans):
    add_pending(beans, "a1")
    [old] = dispatcher.claim_requests(10, most=10)
    due_now()
    dispatcher.claim_requests(10, most=10)
    lane = Lane.objects.get()
    renew(LANES, {lane.pk: old.lease})
    assert Lane.objects.get().due_at == lane.due_at


def test_one_delivered_before_goes_back_to_delivered_and_holds_nobody(settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0.0]
    outbox = Outbox(Tenant.objects.create(slug="acme", name="Acme", mode="events"))
    first = outbox.add_delivery("order_created")
    outbox.send(DELIVERED)
    dead_deliveries.redeliver(first, who="supplier beans")
    outbox.send(UNAVAILABLE)
    outbox.send(UNAVAILABLE)
    later = outbox.add_delivery("order_cancelled")
    assert (outbox.statuses(), outbox.lane.held_by) == (["delivered", "pending"], None)
    assert outbox.send(DELIVERED) == later.pk


def test_an_error_while_heads_are_read_leaves_nothing_leased(beans, monkeypatch):
    add_pending(beans, "a1")
    before = Lane.objects.values().get()

    def broken(lanes):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(lane_heads, "_heads", broken)
    with pytest.raises(OperationalError):
        dispatcher.claim_requests(10, most=10)
    assert Lane.objects.values().get() == before
    monkeypatch.undo()
    dispatcher.deliver()
    assert (status("a1"), FakeChannel.sent) == ("delivered", ["a1"])


def test_what_was_claimed_too_long_ago_is_not_sent_however_short_it_waited_for_a_thread(beans, monkeypatch):
    monkeypatch.setattr("orders.outbox.send_pool.LONGEST_WAIT_SECONDS", 0.05)
    real = FakeChannel.group

    def stalled(self, destination, heads):
        monkeypatch.setattr(FakeChannel, "group", real)
        monkeypatch.setattr(dispatcher, "claim_requests", lambda room, most: [])
        goes_on = time.monotonic() + 0.1
        wait_until(lambda: time.monotonic() > goes_on, seconds=5)
        return real(self, destination, heads)

    monkeypatch.setattr(FakeChannel, "group", stalled)
    add_pending(beans, "a1")
    dispatcher.deliver()
    assert (FakeChannel.sent, status("a1"), Delivery.objects.get().attempts) == ([], "pending", 0)
