"""The laws of the outbox (design: Outbox), with a partner that answers what the test says."""

import threading
import uuid

import pytest
from django.test import override_settings

from orders.channels import Outcome, Owed, Request, Verdict, channels
from orders.clock import DatabaseClock
from orders.models import Delivery, DeliveryAttempt, Destination, Lane
from orders.outbox import health, sending
from orders.outbox.allowances import allowances
from orders.outbox.deliveries import Debt, owe
from orders.outbox.desk import Desk, Sent
from orders.outbox.outcomes import Tried, record
from orders.queues import LANES, claim
from tests.orders.fake_channel import DELIVERED, FakeChannel
from tests.processes import wait_until

pytestmark = [pytest.mark.both, pytest.mark.django_db]
FAILED = Outcome(Verdict.UNAVAILABLE, "answered 500", response_status=500, counts_for_breaker=True)
REJECTED = Outcome(Verdict.REJECTED, "SKU BEAN-7 unknown", response_status=200)
REFUSED = Outcome(Verdict.MISCONFIGURED, "OrderFlow refused the user", response_status=412)


@pytest.fixture(autouse=True)
def _fake_channel():
    FakeChannel.reset()
    channels.cache_clear()
    with override_settings(DELIVERY_CHANNELS={"fake": "tests.orders.fake_channel.FakeChannel"}):
        yield
    channels.cache_clear()


@pytest.fixture
def beans(engine):
    return Destination.objects.create(tenant=engine.tenant, channel="fake", name="beans")


def owed(destination, *references, lane="order:1", kind="told", merge=False):
    debts = [
        Debt(
            tenant_id=destination.tenant_id,
            lane_key=lane,
            owed=Owed(destination.pk, kind, payload="{}", reference=reference, supersedes_unsent=merge),
        )
        for reference in references
    ]
    return owe(debts)


def status(reference):
    return Delivery.objects.get(reference=reference).status


def due_now():
    Lane.objects.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))


def test_an_applied_event_owes_its_delivery_and_it_is_sent(engine, beans):
    engine.put()
    engine.drain()
    sending.deliver()
    assert FakeChannel.sent == ["1001-1"]
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.sequence, delivery.error) == ("delivered", 1, 1, "")
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.verdict, attempt.response_status, attempt.number) == ("delivered", 202, 1)
    lane = Lane.objects.get()
    assert (lane.due_at, lane.lease, lane.done_position, lane.last_position) == (None, None, 1, 1)


def test_an_event_that_changed_nothing_owes_nothing(engine, beans):
    engine.put()
    engine.put()
    engine.drain()
    assert [delivery.reference for delivery in Delivery.objects.all()] == ["1001-1"]


def test_a_lane_goes_in_order_and_a_failing_head_holds_its_lane_only(beans):
    owed(beans, "a1", "a2", lane="order:1")
    owed(beans, "b1", lane="order:2")
    FakeChannel.answers["a1"] = [FAILED]
    sending.deliver()
    assert sorted(FakeChannel.sent) == ["a1", "b1"]
    assert (status("a1"), status("a2"), status("b1")) == ("pending", "pending", "delivered")
    due_now()
    sending.deliver()
    assert FakeChannel.sent[2:] == ["a1", "a2"]
    assert (status("a1"), status("a2")) == ("delivered", "delivered")


def test_a_retry_waits_its_step_with_jitter_up_to_a_fifth(beans, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [100.0]
    owed(beans, "a1")
    FakeChannel.answers["a1"] = [FAILED]
    before = DatabaseClock().now()
    sending.deliver()
    assert 99 <= (Lane.objects.get().due_at - before).total_seconds() <= 125
    assert FakeChannel.sent == ["a1"]


def test_retry_after_lengthens_a_step_within_its_clamp(beans, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [100.0]
    owed(beans, "a1")
    FakeChannel.answers["a1"] = [Outcome(Verdict.UNAVAILABLE, "429", response_status=429, retry_after=100_000)]
    before = DatabaseClock().now()
    sending.deliver()
    assert 3590 <= (Lane.objects.get().due_at - before).total_seconds() <= 3610


def test_an_asking_partner_makes_the_whole_destination_wait(beans):
    owed(beans, "a1", lane="order:1")
    FakeChannel.answers["a1"] = [
        Outcome(Verdict.UNAVAILABLE, "429", response_status=429, retry_after=60, destination_waits=True)
    ]
    sending.deliver()
    owed(beans, "b1", lane="order:2")
    sending.deliver()
    assert FakeChannel.sent == ["a1"]
    Destination.objects.update(waits_until=DatabaseClock().now(-1))
    sending.deliver()
    assert FakeChannel.sent == ["a1", "b1"]


def test_after_the_last_retry_a_delivery_is_dead_and_its_lane_goes_on(beans, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [100.0]
    settings.HUB_BREAKER_FAILURES = 0
    owed(beans, "a1", "a2")
    FakeChannel.answers["a1"] = [FAILED, FAILED]
    sending.deliver()
    due_now()
    sending.deliver()
    assert (status("a1"), status("a2")) == ("dead", "delivered")
    assert Delivery.objects.get(reference="a1").attempts == 2
    assert Delivery.objects.get(reference="a1").error == "answered 500"


def test_a_rejected_delivery_is_dead_at_once(beans):
    owed(beans, "a1", "a2")
    FakeChannel.answers["a1"] = [REJECTED]
    sending.deliver()
    assert (status("a1"), status("a2")) == ("dead", "delivered")


def test_a_dead_first_one_holds_its_lane(beans):
    owed(beans, "a1", kind="first")
    owed(beans, "a2")
    FakeChannel.answers["a1"] = [REJECTED]
    sending.deliver()
    owed(beans, "a3")
    sending.deliver()
    assert FakeChannel.sent == ["a1"]
    lane = Lane.objects.get()
    assert (lane.held_by, lane.due_at) == (Delivery.objects.get(reference="a1").pk, None)
    assert (status("a2"), status("a3")) == ("pending", "pending")


def test_a_misconfigured_destination_stops_and_nothing_is_burnt(beans):
    owed(beans, "a1", "a2")
    owed(beans, "b1", lane="order:2")
    FakeChannel.answers["a1"] = [REFUSED]
    FakeChannel.answers["b1"] = [REFUSED]
    sending.deliver()
    beans.refresh_from_db()
    assert (beans.state, beans.state_reason) == ("stopped", "OrderFlow refused the user")
    assert 590 <= (beans.probe_at - DatabaseClock().now()).total_seconds() <= 610
    assert set(Delivery.objects.values_list("status", "attempts")) == {("pending", 0)}
    sending.deliver()
    sent = len(FakeChannel.sent)
    health.resume(beans, who="ada", reason="password mended")
    sending.deliver()
    again = FakeChannel.sent[sent:]
    assert sorted(again) == ["a1", "a2", "b1"]
    assert again.index("a1") < again.index("a2")
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_a_probe_lets_one_through_and_its_success_resumes(beans):
    for number in range(3):
        owed(beans, f"{number}", lane=f"order:{number}")
    Destination.objects.update(state="stopped", state_reason="refused", probe_at=DatabaseClock().now(600))
    beans.refresh_from_db()
    sending.deliver()
    assert FakeChannel.sent == []
    health.probe(beans, who="ada")
    FakeChannel.answers["0"] = [REFUSED]
    sending.deliver()
    assert FakeChannel.sent == ["0"]
    health.probe(beans, who="ada")
    sending.deliver()
    beans.refresh_from_db()
    assert (sorted(FakeChannel.sent), beans.state) == (["0", "0", "1", "2"], "running")


def test_the_breaker_opens_after_consecutive_failures_and_a_probe_closes_it(beans, settings):
    settings.HUB_BREAKER_FAILURES = 2
    settings.HUB_BREAKER_OPEN_SECONDS = 50
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0.0] * 9
    Destination.objects.update(concurrency=1)
    for number in range(4):
        owed(beans, f"{number}", lane=f"order:{number}")
        FakeChannel.answers[f"{number}"] = [FAILED]
    sending.deliver()
    beans.refresh_from_db()
    assert (len(FakeChannel.sent), beans.open_seconds, beans.state) == (2, 50, "running")
    sending.deliver()
    assert len(FakeChannel.sent) == 2
    Destination.objects.update(probe_at=DatabaseClock().now(-1))
    FakeChannel.answers.clear()
    FakeChannel.answers["0"] = FakeChannel.answers["1"] = FakeChannel.answers["2"] = [FAILED]
    sending.deliver()
    beans.refresh_from_db()
    assert (len(FakeChannel.sent), beans.open_seconds) == (3, 100)
    FakeChannel.answers.clear()
    Destination.objects.update(probe_at=DatabaseClock().now(-1))
    due_now()
    sending.deliver()
    beans.refresh_from_db()
    assert (beans.open_seconds, beans.failures) == (None, 0)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_a_paused_destination_holds_everything(beans):
    owed(beans, "a1")
    health.pause(beans, who="ada", reason="maintenance")
    sending.deliver()
    assert (FakeChannel.sent, status("a1")) == ([], "pending")


def test_a_stopped_tenants_deliveries_are_held(beans, engine):
    owed(beans, "a1")
    engine.tenant.active = False
    engine.tenant.save()
    sending.deliver()
    assert FakeChannel.sent == []
    engine.tenant.active = True
    engine.tenant.save()
    sending.deliver()
    assert FakeChannel.sent == ["a1"]


def open_when_two_are_under_way():
    wait_until(lambda: FakeChannel.in_flight == 2, seconds=5)
    FakeChannel.gate.set()


def test_no_more_than_its_concurrency_is_under_way_at_a_destination(beans):
    Destination.objects.update(concurrency=2)
    FakeChannel.gate = threading.Event()
    opener = threading.Thread(target=open_when_two_are_under_way)
    opener.start()
    for number in range(8):
        owed(beans, f"{number}", lane=f"order:{number}")
    sending.deliver()
    opener.join()
    assert FakeChannel.most_in_flight == 2
    assert len(FakeChannel.sent) == 8


def test_a_rate_limited_destination_gets_no_more_than_its_rate(beans):
    Destination.objects.update(rate_limit_per_second=2)
    for number in range(10):
        owed(beans, f"{number}", lane=f"order:{number}")
    sending.deliver()
    assert len(FakeChannel.sent) == 2
    beans.refresh_from_db()
    assert 0.5 <= (beans.waits_until - DatabaseClock().now()).total_seconds() <= 1.1


def test_several_go_out_in_one_request_where_the_channel_batches(beans):
    FakeChannel.batch = 3
    for number in range(3):
        owed(beans, f"{number}", lane=f"order:{number}")
    FakeChannel.answers["1"] = [REJECTED]
    sending.deliver()
    assert [status(f"{number}") for number in range(3)] == ["delivered", "dead", "delivered"]
    assert len(set(DeliveryAttempt.objects.values_list("request_id", flat=True))) == 1


def test_several_unsent_changes_are_one_and_the_newest_goes(beans):
    owed(beans, "a1", merge=True)
    owed(beans, "a2", "a3", merge=True)
    sending.deliver()
    newest = Delivery.objects.get(reference="a3")
    assert FakeChannel.sent == ["a3"]
    for older in ("a1", "a2"):
        assert (status(older), Delivery.objects.get(reference=older).superseded_by is not None) == ("superseded", True)
    assert newest.status == "delivered"


def test_a_head_that_is_being_sent_is_left_to_its_outcome(beans):
    owed(beans, "a1", merge=True)
    claim(LANES, {beans.pk: 10}, lease_seconds=60)
    owed(beans, "a2", merge=True)
    assert status("a1") == "pending"
    owed(beans, "a3", merge=True)
    assert (status("a1"), status("a2"), status("a3")) == ("pending", "superseded", "pending")


def test_a_courier_that_outlived_its_lease_records_nothing(beans, monkeypatch):
    owed(beans, "a1")
    stolen = uuid.uuid4()

    def steal(self, request):
        return [DELIVERED]

    monkeypatch.setattr(FakeChannel, "send", steal)
    real = sending.record

    def steal_and_record(tried):
        Lane.objects.update(lease=stolen)
        real(tried)

    monkeypatch.setattr(sending, "record", steal_and_record)
    sending.deliver()
    assert (status("a1"), Delivery.objects.get().attempts) == ("pending", 0)
    assert Lane.objects.get().lease == stolen
    assert not DeliveryAttempt.objects.exists()


def test_a_fault_of_ours_while_sending_is_a_try_and_loses_nothing(beans, monkeypatch):
    owed(beans, "a1")

    def broken(self, request):
        raise RuntimeError("a bug")

    monkeypatch.setattr(FakeChannel, "send", broken)
    sending.deliver()
    assert (status("a1"), Delivery.objects.get().attempts) == ("pending", 1)
    assert "RuntimeError" in Delivery.objects.get().error


def test_words_that_no_database_takes_keep_nobody_from_being_recorded(beans):
    owed(beans, "a1", lane="order:1")
    owed(beans, "b1", lane="order:2")
    FakeChannel.answers["a1"] = [Outcome(Verdict.REJECTED, "no\x00 \ud800" + "x" * 9_000, response_cut="\x00\udfff")]
    sending.deliver()
    assert (status("a1"), status("b1")) == ("dead", "delivered")
    dead, tried = Delivery.objects.get(reference="a1"), DeliveryAttempt.objects.get(delivery__reference="a1")
    assert dead.error == tried.detail == ("no\ufffd ?" + "x" * 9_000)[:5_000]
    assert tried.response_cut == "\ufffd?"


def test_a_destination_whose_requests_cannot_be_made_holds_up_nobody(beans, engine, monkeypatch):
    peas = Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas")
    owed(beans, "a1", lane="order:1")
    owed(peas, "b1", lane="order:1")
    real = FakeChannel.group

    def broken(self, destination, heads):
        if destination == beans:
            raise LookupError("a bug")
        return real(self, destination, heads)

    monkeypatch.setattr(FakeChannel, "group", broken)
    sending.deliver()
    assert (status("a1"), status("b1")) == ("pending", "delivered")
    assert "preparing failed" in Delivery.objects.get(reference="a1").error


def test_what_an_open_breaker_held_drains_in_order_at_a_rising_rate(beans, settings, monkeypatch):
    settings.HUB_BREAKER_FAILURES = 1
    Destination.objects.update(concurrency=50)
    owed(beans, "0-1", "0-2", lane="order:0")
    FakeChannel.answers["0-1"] = [FAILED]
    sending.deliver()
    for number in range(1, 120):
        owed(beans, f"{number}-1", lane=f"order:{number}")
    due_now()
    sending.deliver()
    assert FakeChannel.sent == ["0-1"]
    Destination.objects.update(probe_at=DatabaseClock().now(-1))
    sending.deliver()
    first = len(FakeChannel.sent) - 2
    assert first == health.RECOVERY_RATE
    rates = []
    for seconds in (1, 2, 3):
        Destination.objects.update(recovering_since=DatabaseClock().now(-seconds))
        sent = len(FakeChannel.sent)
        sending.deliver()
        rates.append(len(FakeChannel.sent) - sent)
    assert first <= rates[0] < rates[1] < rates[2] < 119
    Destination.objects.update(recovering_since=DatabaseClock().now(-health.RECOVERY_SECONDS - 1))
    due_now()
    sending.deliver()
    beans.refresh_from_db()
    assert FakeChannel.sent.index("0-1") < FakeChannel.sent.index("0-2")
    assert (set(Delivery.objects.values_list("status", flat=True)), beans.recovering_since) == ({"delivered"}, None)


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

    desk = Desk(8, send=send)
    desk.put([Sent(Request(beans, [Delivery()]), uuid.uuid4()) for _ in range(30)])
    desk.put([Sent(Request(peas, [Delivery()]), uuid.uuid4()) for _ in range(5)])
    assert [desk.back.get(timeout=5).request.destination for _ in range(5)] == [peas] * 5
    assert (len(told), desk.waiting) == (5, 30 - 6)
    hung.set()
    assert {desk.back.get(timeout=5).request.destination for _ in range(30)} == {beans}


def test_what_waited_too_long_for_a_thread_is_still_owed_and_no_attempt(beans, monkeypatch):
    monkeypatch.setattr("orders.outbox.desk.LONGEST_WAIT_SECONDS", -1)
    owed(beans, "a1")
    monkeypatch.setattr(sending, "claim_requests", _once(sending.claim_requests))
    sending.deliver()
    assert (FakeChannel.sent, status("a1"), Delivery.objects.get().attempts) == ([], "pending", 0)
    assert not DeliveryAttempt.objects.exists()
    assert Lane.objects.get().lease is None
    monkeypatch.undo()
    sending.deliver()
    assert FakeChannel.sent == ["a1"]


def _once(claimed):
    left = [claimed]
    return lambda room, most: left.pop()(room, most=most) if left else []


def test_destinations_share_what_a_courier_claims(beans, engine):
    Destination.objects.update(concurrency=100)
    for number in range(40):
        owed(beans, f"{number}", lane=f"order:{number}")
    assert list(allowances(100, most=16).values()) == [16]
    peas = Destination.objects.create(tenant=engine.tenant, channel="fake", name="peas", concurrency=3)
    owed(peas, "p", lane="order:p")
    claim(LANES, {beans.pk: 6}, lease_seconds=60)
    assert {one.name: most for one, most in allowances(10, most=16).items()} == {"peas": 3, "beans": 2}


def test_a_quiet_success_writes_nothing_of_the_destination(beans):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for number in range(10):
        owed(beans, f"{number}", lane=f"order:{number}")
    with CaptureQueriesContext(connection) as asked:
        sending.deliver()
    said = [query["sql"] for query in asked.captured_queries]
    assert len(FakeChannel.sent) == 10
    assert not [sql for sql in said if sql.startswith("UPDATE") and "orders_destination" in sql]


def test_outcomes_are_recorded_set_wise(beans):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    Destination.objects.update(concurrency=20)
    tried = []
    for number in range(20):
        owed(beans, f"{number}", lane=f"order:{number}")
    lease, _ = claim(LANES, {beans.pk: 20}, lease_seconds=60)
    beans.refresh_from_db()
    for delivery in Delivery.objects.all():
        tried.append(Tried(delivery, beans, lease, DELIVERED, uuid.uuid4(), DatabaseClock().now(), 1.0))
    with CaptureQueriesContext(connection) as asked:
        record(tried)
    assert set(Delivery.objects.values_list("status", "attempts")) == {("delivered", 1)}
    assert (
        len([query for query in asked.captured_queries if query["sql"].startswith(("WITH", "SELECT", "INSERT"))]) <= 7
    )


@pytest.mark.parametrize(
    ("state", "open_seconds", "probes"),
    [("running", None, False), ("running", 15.0, True), ("stopped", None, True), ("paused", 15.0, False)],
)
def test_new_settings_give_a_fresh_start_to_what_only_probes(state, open_seconds, probes):
    assert Destination(state=state, open_seconds=open_seconds).only_probes is probes
