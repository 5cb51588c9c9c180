"""How destinations share the dispatchers (docs/design/outbox.md#sending): concurrency, rates, threads, a slow one."""

import threading
import uuid

import pytest
from django.db import InterfaceError, OperationalError

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Request
from orders.models import Delivery, DeliveryAttempt, Destination, Lane
from orders.outbox import dispatcher
from orders.outbox.send_limits import free_slots
from orders.outbox.send_pool import SendPool, Sent
from orders.queueing.claims import LANES, claim
from tests.orders.fake_channel import DELIVERED, FakeChannel, add_pending, due_now, status
from tests.processes import wait_until

pytestmark = [pytest.mark.both, pytest.mark.django_db]


def open_when_two_are_under_way():
    wait_until(lambda: FakeChannel.in_flight == 2, seconds=5)
    FakeChannel.gate.set()


def test_no_more_than_its_concurrency_is_under_way_at_a_destination(beans):
    Destination.objects.update(concurrency=2)
    FakeChannel.gate = threading.Event()
    opener = threading.Thread(target=open_when_two_are_under_way)
    opener.start()
    for number in range(8):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    dispatcher.deliver()
    opener.join()
    assert FakeChannel.most_in_flight == 2
    assert len(FakeChannel.sent) == 8


def test_a_rate_limited_destination_gets_no_more_than_its_rate(beans):
    Destination.objects.update(rate_limit_per_second=2)
    for number in range(10):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    dispatcher.deliver()
    assert len(FakeChannel.sent) == 2
    beans.refresh_from_db()
    assert 0.5 <= (beans.waits_until - DatabaseClock().now()).total_seconds() <= 1.1


def test_a_destination_whose_requests_cannot_be_made_holds_up_nobody(beans, engine, monkeypatch):
    peas = Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas")
    add_pending(beans, "a1", lane="order:1")
    add_pending(peas, "b1", lane="order:1")
    real = FakeChannel.group

    def broken(self, destination, heads):
        if destination == beans:
            raise LookupError("a bug")
        return real(self, destination, heads)

    monkeypatch.setattr(FakeChannel, "group", broken)
    dispatcher.deliver()
    assert (status("a1"), status("b1")) == ("pending", "delivered")
    assert "preparing failed" in Delivery.objects.get(reference="a1").error


def test_a_head_that_cannot_be_prepared_fails_alone(beans, monkeypatch, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = []
    Destination.objects.update(concurrency=10)
    FakeChannel.batch = 10
    real, grouped = FakeChannel.group, []

    def broken_by_a3(self, destination, heads):
        grouped.append(len(heads))
        if "a3" in [head.reference for head in heads]:
            raise LookupError("a bug")
        return real(self, destination, heads)

    monkeypatch.setattr(FakeChannel, "group", broken_by_a3)
    for number in range(8):
        add_pending(beans, f"a{number}", lane=f"order:{number}")
    dispatcher.deliver()
    fates = dict(Delivery.objects.values_list("reference", "status"))
    assert fates == dict.fromkeys((f"a{number}" for number in range(8)), "delivered") | {"a3": "dead"}
    assert Delivery.objects.get(reference="a3").error == "preparing failed inside the hub (LookupError); see the log"
    assert grouped == [8, 4, 2, 2, 1, 1, 4]


@pytest.mark.parametrize("trouble", [OperationalError, InterfaceError])
def test_trouble_of_the_database_while_preparing_counts_no_attempt(beans, monkeypatch, settings, trouble):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = []
    real = FakeChannel.group

    def broken(self, destination, heads):
        raise trouble("server closed the connection unexpectedly")

    monkeypatch.setattr(FakeChannel, "group", broken)
    add_pending(beans, "a1")
    dispatcher.deliver()
    assert list(Delivery.objects.values_list("status", "attempts")) == [("pending", 0)]
    lane = Lane.objects.get()
    assert (lane.lease, lane.losses) == (None, 0)
    assert lane.due_at <= DatabaseClock().now(dispatcher.REST_SECONDS)
    monkeypatch.setattr(FakeChannel, "group", real)
    due_now()
    dispatcher.deliver()
    assert (FakeChannel.sent, status("a1")) == (["a1"], "delivered")


def test_a_hanging_destination_leaves_threads_to_the_others_whatever_its_concurrency(beans, engine):
    Destination.objects.update(concurrency=100)
    peas = Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas")
    hung, told = threading.Event(), []

    def send(request):
        if request.destination == beans:
            hung.wait(10)
        else:
            told.append(request)
        return [DELIVERED]

    desk = SendPool(8, send=send)
    desk.put([Sent(Request(beans, [Delivery()]), uuid.uuid4()) for _ in range(30)])
    desk.put([Sent(Request(peas, [Delivery()]), uuid.uuid4()) for _ in range(5)])
    assert [desk.back.get(timeout=5).request.destination for _ in range(5)] == [peas] * 5
    assert (len(told), desk.waiting) == (5, 30 - 6)
    hung.set()
    assert {desk.back.get(timeout=5).request.destination for _ in range(30)} == {beans}


def _once(claimed):
    left = [claimed]
    return lambda room, most: left.pop()(room, most=most) if left else []


def test_what_waited_too_long_for_a_thread_is_still_pending_and_no_attempt(beans, monkeypatch):
    monkeypatch.setattr("orders.outbox.send_pool.LONGEST_WAIT_SECONDS", -1)
    add_pending(beans, "a1")
    monkeypatch.setattr(dispatcher, "claim_requests", _once(dispatcher.claim_requests))
    dispatcher.deliver()
    assert (FakeChannel.sent, status("a1"), Delivery.objects.get().attempts) == ([], "pending", 0)
    assert not DeliveryAttempt.objects.exists()
    assert Lane.objects.get().lease is None
    monkeypatch.undo()
    dispatcher.deliver()
    assert FakeChannel.sent == ["a1"]


def test_destinations_share_what_a_dispatcher_claims(beans, engine):
    Destination.objects.update(concurrency=100)
    for number in range(40):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    assert list(free_slots(100, most=16).values()) == [16]
    peas = Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas", concurrency=3)
    add_pending(peas, "p", lane="order:p")
    claim(LANES, {beans.pk: 6}, lease_seconds=60)
    assert {one.name: most for one, most in free_slots(10, most=16).items()} == {"peas": 3, "beans": 2}
