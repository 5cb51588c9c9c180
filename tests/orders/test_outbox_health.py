"""A destination's health (docs/design/outbox.md#destination-health): stopped, probed, broken, paused and
recovering, with a partner that answers what the test says."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Outcome, Verdict
from orders.models import Delivery, Destination, OperatorAction
from orders.outbox import destination_health, dispatcher
from tests.orders.fake_channel import FAILED, FakeChannel, add_pending, due_now, status

pytestmark = [pytest.mark.both, pytest.mark.django_db]
REFUSED = Outcome(Verdict.MISCONFIGURED, "OrderFlow refused the user", response_status=412)


def test_a_misconfigured_destination_stops_and_nothing_is_burnt(beans):
    add_pending(beans, "a1", "a2")
    add_pending(beans, "b1", lane="order:2")
    FakeChannel.answers["a1"] = [REFUSED]
    FakeChannel.answers["b1"] = [REFUSED]
    dispatcher.deliver()
    beans.refresh_from_db()
    assert (beans.state, beans.state_reason) == ("stopped", "OrderFlow refused the user")
    assert 590 <= (beans.probe_at - DatabaseClock().now()).total_seconds() <= 610
    assert set(Delivery.objects.values_list("status", "attempts")) == {("pending", 0)}
    dispatcher.deliver()
    sent = len(FakeChannel.sent)
    destination_health.resume(beans, who="ada", reason="password mended")
    dispatcher.deliver()
    again = FakeChannel.sent[sent:]
    assert sorted(again) == ["a1", "a2", "b1"]
    assert again.index("a1") < again.index("a2")
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_a_reason_that_no_database_takes_stops_a_destination_like_any_other(beans):
    add_pending(beans, "a1")
    FakeChannel.answers["a1"] = [Outcome(Verdict.MISCONFIGURED, "no\x00 \ud800")]
    dispatcher.deliver()
    beans.refresh_from_db()
    assert (beans.state, beans.state_reason) == ("stopped", "no\ufffd ?")


def test_a_probe_lets_one_through_and_its_success_resumes(beans):
    for number in range(3):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    Destination.objects.update(state="stopped", state_reason="refused", probe_at=DatabaseClock().now(600))
    beans.refresh_from_db()
    dispatcher.deliver()
    assert FakeChannel.sent == []
    destination_health.probe(beans, who="ada")
    FakeChannel.answers["0"] = [REFUSED]
    dispatcher.deliver()
    assert FakeChannel.sent == ["0"]
    destination_health.probe(beans, who="ada")
    dispatcher.deliver()
    beans.refresh_from_db()
    assert (sorted(FakeChannel.sent), beans.state) == (["0", "0", "1", "2"], "running")


def test_the_breaker_opens_after_consecutive_failures_and_a_probe_closes_it(beans, settings):
    settings.HUB_BREAKER_FAILURES = 2
    settings.HUB_BREAKER_OPEN_SECONDS = 50
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [0.0] * 9
    Destination.objects.update(concurrency=1)
    for number in range(4):
        add_pending(beans, f"{number}", lane=f"order:{number}")
        FakeChannel.answers[f"{number}"] = [FAILED]
    dispatcher.deliver()
    beans.refresh_from_db()
    assert (len(FakeChannel.sent), beans.open_seconds, beans.state) == (2, 50, "running")
    dispatcher.deliver()
    assert len(FakeChannel.sent) == 2
    Destination.objects.update(probe_at=DatabaseClock().now(-1))
    FakeChannel.answers.clear()
    FakeChannel.answers["0"] = FakeChannel.answers["1"] = FakeChannel.answers["2"] = [FAILED]
    dispatcher.deliver()
    beans.refresh_from_db()
    assert (len(FakeChannel.sent), beans.open_seconds) == (3, 100)
    FakeChannel.answers.clear()
    Destination.objects.update(probe_at=DatabaseClock().now(-1))
    due_now()
    dispatcher.deliver()
    beans.refresh_from_db()
    assert (beans.open_seconds, beans.failures) == (None, 0)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_a_paused_destination_holds_everything(beans):
    add_pending(beans, "a1")
    destination_health.pause(beans, who="ada", reason="maintenance")
    dispatcher.deliver()
    assert (FakeChannel.sent, status("a1")) == ([], "pending")


def test_why_a_destination_is_paused_names_nobody_where_everybody_reads_it(beans):
    reason = "olga@acme.example asked, call +45 12 34 56 78"
    destination_health.pause(beans, who="ada", reason=reason)
    beans.refresh_from_db()
    assert beans.state_reason == "(masked) asked, call (masked)"
    assert OperatorAction.objects.get().reason == reason


def test_a_stopped_tenants_deliveries_are_held(beans, engine):
    add_pending(beans, "a1")
    engine.tenant.active = False
    engine.tenant.save()
    dispatcher.deliver()
    assert FakeChannel.sent == []
    engine.tenant.active = True
    engine.tenant.save()
    dispatcher.deliver()
    assert FakeChannel.sent == ["a1"]


def test_what_an_open_breaker_held_drains_in_order_at_a_rising_rate(beans, settings):
    settings.HUB_BREAKER_FAILURES = 1
    Destination.objects.update(concurrency=50)
    add_pending(beans, "0-1", "0-2", lane="order:0")
    FakeChannel.answers["0-1"] = [FAILED]
    dispatcher.deliver()
    for number in range(1, 120):
        add_pending(beans, f"{number}-1", lane=f"order:{number}")
    due_now()
    dispatcher.deliver()
    assert FakeChannel.sent == ["0-1"]
    Destination.objects.update(probe_at=DatabaseClock().now(-1))
    began = time.monotonic()
    dispatcher.deliver()
    first = len(FakeChannel.sent) - 2
    assert (
        destination_health.RECOVERY_RATE <= first <= destination_health.RECOVERY_RATE * 2 ** (time.monotonic() - began)
    )
    rates = []
    for seconds in (1, 2, 3):
        Destination.objects.update(recovering_since=DatabaseClock().now(-seconds))
        sent = len(FakeChannel.sent)
        dispatcher.deliver()
        rates.append(len(FakeChannel.sent) - sent)
    assert first <= rates[0] < rates[1] < rates[2] < 119
    Destination.objects.update(recovering_since=DatabaseClock().now(-destination_health.RECOVERY_SECONDS - 1))
    add_pending(beans, "last-1", lane="order:last")
    due_now()
    dispatcher.deliver()
    beans.refresh_from_db()
    assert FakeChannel.sent.index("0-1") < FakeChannel.sent.index("0-2")
    assert (set(Delivery.objects.values_list("status", flat=True)), beans.recovering_since) == ({"delivered"}, None)


def test_a_quiet_success_writes_nothing_of_the_destination(beans):
    for number in range(10):
        add_pending(beans, f"{number}", lane=f"order:{number}")
    with CaptureQueriesContext(connection) as asked:
        dispatcher.deliver()
    said = [query["sql"] for query in asked.captured_queries]
    assert len(FakeChannel.sent) == 10
    assert not [sql for sql in said if sql.startswith("UPDATE") and "orders_destination" in sql]


@pytest.mark.parametrize(
    ("state", "open_seconds", "probes"),
    [("running", None, False), ("running", 15.0, True), ("stopped", None, True), ("paused", 15.0, False)],
)
def test_new_settings_give_a_fresh_start_to_what_only_probes(state, open_seconds, probes):
    assert Destination(state=state, open_seconds=open_seconds).only_probes is probes
