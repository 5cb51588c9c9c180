"""What takes longer than the database's statement_timeout must not be tried as a whole for ever."""

from __future__ import annotations

import pytest
from django.db import connection

from orders.dead_letters import bulk_runs, dead_events
from orders.dead_letters.bulk_runs import Begin
from orders.dead_letters.operations import Busy
from orders.dead_letters.selection import Selection
from orders.inbox import applying
from orders.models import Delivery, Destination, Order, OrderEvent, OrderQueue, RepairRun
from orders.outbox import dispatcher
from tests.orders.fake_channel import DELIVERED, add_pending
from tests.orders.outbox import record_finished

pytestmark = pytest.mark.needs_postgres

ORDERS = 20
SLOW = """
    CREATE FUNCTION slow_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
    CREATE TRIGGER slow_write AFTER {event} FOR EACH ROW {when} EXECUTE FUNCTION slow_write()
"""


def slow(event, *, seconds, when=""):
    """Each such row takes some seconds, and a statement may take 300 ms."""
    with connection.cursor() as cursor:
        cursor.execute(SLOW.format(event=event, seconds=seconds, when=f"WHEN ({when})" if when else ""))
        cursor.execute("SET LOCAL statement_timeout = '300ms'")


def test_a_batch_that_takes_longer_than_a_statement_may_is_applied_order_by_order(engine):
    for number in range(ORDERS):
        engine.put(f"slow-{number}")
    slow("INSERT ON orders_order", seconds=0.03)
    applying.drain()
    fates = OrderEvent.objects.values_list("status", "attempts")
    assert list(fates) == [("applied", 1)] * ORDERS


def test_an_order_that_always_takes_longer_is_dead_after_its_schedule_and_holds_no_other(engine, settings):
    settings.HUB_EVENT_RETRY_SCHEDULE = (1.0, 5.0)
    endless = engine.put("endless")
    engine.put("quick")
    slow("INSERT ON orders_order", seconds=5, when="NEW.customer_order_id = 'endless'")
    engine.drain_through_retries()
    endless.refresh_from_db()
    assert (endless.status, endless.attempts) == ("dead", 3)
    assert endless.error == "applying it took longer than the database lets one statement run (its statement_timeout)"
    assert list(Order.objects.values_list("customer_order_id", flat=True)) == ["quick"]


def test_outcomes_that_take_longer_than_a_statement_may_are_recorded_by_halves(beans):
    for number in range(ORDERS):
        add_pending(beans, f"a{number}", lane=f"order:{number}")
    Destination.objects.update(concurrency=ORDERS)
    sent = dispatcher.claim_requests(ORDERS, most=ORDERS)
    for one in sent:
        one.outcomes = [DELIVERED]
    slow("UPDATE ON orders_delivery", seconds=0.03)
    record_finished(sent)
    assert list(Delivery.objects.values_list("status", "attempts")) == [("delivered", 1)] * ORDERS


def quick_again():
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER slow_write ON orders_order; DROP FUNCTION slow_write")


def rows():
    return [list(model.objects.order_by("pk").values()) for model in (OrderEvent, OrderQueue)]


@pytest.fixture
def too_long(engine, settings):
    """A dead event that still takes too long, and one behind it that does not any more."""
    settings.HUB_EVENT_RETRY_SCHEDULE = []
    events = [engine.put(name) for name in ("endless", "mended")]
    slow("INSERT ON orders_order", seconds=5)
    engine.drain()
    quick_again()
    slow("INSERT ON orders_order", seconds=5, when="NEW.customer_order_id = 'endless'")
    return events


def test_a_preview_of_an_event_that_takes_too_long_says_that_it_would_fail_and_why(too_long):
    endless, mended = too_long
    previewed = dead_events.preview(endless)
    assert (previewed.outcome, previewed.detail) == ("would_fail", applying.TOO_LONG)
    assert dead_events.preview(mended).outcome == "would_apply"
    assert set(OrderQueue.objects.values_list("lease", "due_at")) == {(None, None)}


def test_a_bulk_run_goes_on_behind_a_row_that_takes_too_long(too_long):
    run = bulk_runs.begin(Begin(RepairRun.Verb.RETRY, Selection("events"), "all", "ann", expected=2))
    RepairRun.objects.update(leased_until=None)
    bulk_runs.BulkRuns().run()
    run.refresh_from_db()
    assert (run.state, run.counts) == ("done", {"would_fail": 1, "pending": 1})


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_a_verb_that_takes_too_long_is_refused_as_busy_and_changes_nothing(too_long, verb):
    slow_action = SLOW.format(event="INSERT ON orders_operatoraction", seconds=5, when="")
    with connection.cursor() as cursor:
        cursor.execute(slow_action.replace("slow_write", "slow_action"))
    before = list(OrderEvent.objects.order_by("pk").values()), list(OrderQueue.objects.order_by("pk").values())
    with pytest.raises(Busy, match="too slow just now"):
        getattr(dead_events, verb)(too_long[1], who="ann")
    assert (
        list(OrderEvent.objects.order_by("pk").values()),
        list(OrderQueue.objects.order_by("pk").values()),
    ) == before
