"""Figures of the work: counted in memory, added up in the database, read back for charts."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError

from orders.admin import charts
from orders.models import Destination, Figure
from orders.monitoring import counters
from orders.telemetry import counters as tally

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture(autouse=True)
def _nothing_counted():
    tally._counters.forget()
    yield
    tally._counters.forget()


def counts(step=Figure.Step.MINUTE, **of):
    rows = Figure.objects.filter(step=step, **of).order_by("name", "label")
    return [(row.name, row.label, row.count) for row in rows]


def test_each_count_stands_in_its_minute_its_quarter_and_its_hour(time_machine):
    time_machine.move_to(datetime(2026, 11, 20, 10, 44, 30, tzinfo=UTC), tick=False)
    tally.received(1)
    time_machine.move_to(datetime(2026, 11, 20, 10, 45, 30, tzinfo=UTC), tick=False)
    tally.received(1)
    tally.write()
    found = sorted(Figure.objects.values_list("step", "starts_at", "count"))
    at = lambda minute: datetime(2026, 11, 20, 10, minute, tzinfo=UTC)  # noqa: E731
    assert found == [(60, at(44), 1), (60, at(45), 1), (900, at(30), 1), (900, at(45), 1), (3600, at(0), 2)]


def test_what_was_written_is_added_to():
    for _ in range(2):
        tally.applied(1, 3)
        tally.write()
    assert [count for _, _, count in counts(Figure.Step.HOUR)] in ([6], [3, 3])  # the hour may turn between the two


def test_a_received_and_applied_event_is_counted_for_its_tenant(engine):
    engine.put()
    engine.put()
    engine.drain()
    tally.write()
    assert sorted(counts(tenant=engine.tenant)) == [("applied", "", 2), ("received", "", 2)]


def test_a_dead_event_is_counted_once(engine, faults, django_capture_on_commit_callbacks):
    engine.put("fault-always-1")
    with django_capture_on_commit_callbacks(execute=True):
        engine.drain_through_retries()
    tally.write()
    assert ("dead event", "", 1) in counts(tenant=engine.tenant)


def test_what_cannot_be_written_is_kept_for_the_next_time(monkeypatch):
    def away(*args):
        raise DatabaseError("away")

    tally.received(1)
    with monkeypatch.context() as patched:
        patched.setattr(tally._FIGURE, "execute", away)
        tally.write()
    assert counts() == []
    tally.received(1)
    tally.write()
    assert sum(count for _, _, count in counts()) == 2


def test_many_threads_lose_no_count():
    def work():
        for _ in range(2_000):
            tally.received(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.write()
    assert sum(count for _, _, count in counts(Figure.Step.HOUR)) == 16_000


def test_a_forked_child_does_not_write_what_its_parent_counted():
    tally.received(1)
    child = os.fork()
    if child == 0:
        os._exit(0 if not tally._counters.counts else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert sum(tally._counters.counts.values()) == 1


def test_times_fall_into_ranges_and_reads_that_were_not_asked_have_none():
    tally.read(1, 41.0)
    tally.read(1, 70.0)
    tally.read(1, 9_999_999.0, failure="external-timeout")
    tally.read(1, None, failure="external-busy")
    tally.write()
    assert counts() == [
        ("read", "", 4),
        ("read failed", "external-busy", 1),
        ("read failed", "external-timeout", 1),
        ("read ms", "300000", 1),
        ("read ms", "70", 2),
    ]


def test_counting_costs_next_to_nothing():
    """The bar is far above what it takes, for slow machines: a PUT takes some milliseconds."""
    began = time.perf_counter()
    for _ in range(20_000):
        tally.received(1)
    assert (time.perf_counter() - began) / 20_000 < 50e-6


def test_a_try_is_counted_for_its_destination(engine):
    beans = Destination.objects.create(tenant=engine.tenant, channel="supplier", name="beans")
    tally.tried(beans, delivered=True, dead=False)
    tally.tried(beans, delivered=False, dead=True)
    tally.took(beans, 30.0)
    tally.write()
    assert counts(destination=beans.pk, tenant=engine.tenant) == [
        ("dead delivery", "", 1),
        ("delivered", "", 1),
        ("failed try", "", 1),
        ("sending ms", "40", 1),
    ]


NOW = datetime(2026, 11, 20, 10, 44, 30, tzinfo=UTC)


@pytest.mark.parametrize(("word", "count", "first"), [
    ("hour", 60, datetime(2026, 11, 20, 9, 45, tzinfo=UTC)),
    ("day", 96, datetime(2026, 11, 19, 10, 45, tzinfo=UTC)),
    ("week", 168, datetime(2026, 11, 13, 11, 0, tzinfo=UTC)),
])  # fmt: skip
def test_a_period_has_its_steps_up_to_the_one_under_way(word, count, first):
    starts = counters.PERIODS[word].starts(NOW)
    assert (len(starts), starts[0]) == (count, first)
    assert starts[-1] <= NOW < starts[-1] + timedelta(seconds=int(counters.PERIODS[word].step))


def test_a_tenant_is_given_its_own_figures_only(time_machine):
    time_machine.move_to(NOW, tick=False)
    tally.received(1)
    for _ in range(30):
        tally.received(2)
    tally.read(2, 35.0)
    tally.read(2, None, failure="external-busy")
    tally.write()
    hour = counters.PERIODS["hour"]
    own = counters.whole(counters.events_and_reads(hour, 1, NOW).values())
    both = counters.whole(counters.events_and_reads(hour, None, NOW).values())
    assert (own.counts["received"], own.counts["read"]) == (1, 0)
    assert (both.counts["received"], both.counts["read"], both.failures) == (31, 2, {"external-busy": 1})
    assert set(counters.by_tenant(1, NOW)) == {1}
    assert counters.by_tenant(None, NOW)[2].counts["received"] == 30


def test_destinations_beyond_those_drawn_are_summed_up(engine, time_machine):
    time_machine.move_to(NOW, tick=False)
    made = [Destination.objects.create(tenant=engine.tenant, channel="supplier", name=f"s{n}") for n in range(3)]
    for destination in made:
        tally.tried(destination, delivered=True, dead=False)
        tally.took(destination, 30.0)
    tally.tried(made[0], delivered=False, dead=True)
    tally.write()
    hour = counters.PERIODS["hour"]
    steps = counters.deliveries(hour, None, NOW, drawn=[made[0].pk])
    (step,) = steps.values()
    assert {whose: dict(work.counts) for whose, work in step.items()} == {
        made[0].pk: {"delivered": 1, "failed try": 1},
        counters.OTHERS: {"delivered": 2},
    }
    totals = counters.by_destination(hour, engine.tenant.pk, NOW)
    assert totals[made[0].pk].counts == {"delivered": 1, "failed try": 1, "dead delivery": 1}
    assert totals[made[0].pk].lengths.total == 1


def test_the_share_of_times_is_spread_evenly_within_its_range():
    lengths = counters.Lengths(Counter({100: 90, 200: 10}))
    assert lengths.at(0.5) == pytest.approx(70 + 30 * 50 / 90)
    assert lengths.at(0.95) == pytest.approx(175)
    assert counters.Lengths().at(0.95) is None


def test_figures_that_no_chart_shows_are_removed_and_the_others_stay(time_machine):
    time_machine.move_to(NOW - timedelta(days=2), tick=False)
    tally.received(1)
    tally.write()
    time_machine.move_to(NOW, tick=False)
    tally.received(1)
    tally.write()
    assert counters.remove_old() == 1
    assert sorted(Figure.objects.values_list("step", flat=True)) == [60, 900, 900, 3600, 3600]


@pytest.mark.parametrize(("value", "top"), [(0.7, 0.8), (1, 1), (4, 4), (13, 20), (100, 100), (101, 200), (410, 500)])
def test_a_scale_ends_at_a_round_number(value, top):
    assert charts.nice_top(value) == pytest.approx(top)


def test_bars_stand_on_each_other_and_a_line_breaks_where_nothing_is_known():
    bars = [charts.Series(name, name, charts.Shape.BARS, [2, 0]) for name in ("a", "b")]
    line = charts.Series("c", "c", charts.Shape.LINE, [1, None])
    drawing = charts.draw([*bars, line])
    assert drawing.top == 4
    assert [mark.path for mark in drawing.marks] == [
        "M37.5 120.0h225.00v-60.0h-225.00z",
        "M37.5 60.0h225.00v-60.0h-225.00z",
        "M0.0 90.0L300.0 90.0",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ends_cleanly_writes_what_it_counted(hub_environ):
    lines = (
        "import os, django",
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'",
        "django.setup()",
        "from orders.telemetry import counters as tally",
        "tally.start()",
        "tally.received(7)",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=hub_environ, check=True, timeout=60)
    assert counts(tenant=7) == [("received", "", 1)]


@pytest.mark.django_db(transaction=True)
def test_a_started_process_writes_within_seconds(monkeypatch):
    monkeypatch.setattr(tally._Counters, "write_seconds", 0.2)
    monkeypatch.setattr(tally.atexit, "register", lambda *_: None)
    tally.start()
    tally.start()
    tally.received(7)
    writers = [thread for thread in threading.enumerate() if thread.name == "figures"]
    for writer in writers:
        writer.join(timeout=20)
    assert counts(tenant=7) == [("received", "", 1)]
    assert len(writers) == 1
