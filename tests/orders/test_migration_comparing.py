"""What a migrating tenant's own system answers, against the stored copies: matched, stale, wrong, and the rows."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import DatabaseError

from orders.cutover import matches
from orders.cutover.comparison import answers, judging
from orders.cutover.comparison.answers import WAY, _Answers, saw_found, saw_order
from orders.database import write_behind
from orders.database.clock import DatabaseClock
from orders.models import ComparisonHour, Difference, MemberHour, OrderEvent, OrderQueue
from tests.bodies import body
from tests.engine_fixtures import Engine

pytestmark = [pytest.mark.django_db, pytest.mark.both]


@pytest.fixture(autouse=True)
def held(monkeypatch):
    """No thread compares beside the test, and a difference is judged at once."""
    monkeypatch.setattr(answers, "_answers", _Answers())
    monkeypatch.setattr(_Answers, "write_until_empty", lambda self: None)
    monkeypatch.setattr(judging, "JUDGED_AFTER_SECONDS", 0.0)
    return answers._answers


@pytest.fixture
def tenant(make_tenant):
    return make_tenant("acme", "migrating")


@pytest.fixture
def shop(tenant):
    """Order 1001 is stored, and so is everything that ``shop.put`` puts and ``shop.drain`` applies."""
    shop = Engine(tenant)
    shop.put()
    shop.drain()
    return shop


def read(tenant, order_id="1001", *, way=WAY.READ, answer=True, **members):
    saw_order(
        tenant, "store-1", order_id, body(order_id, **members) if answer else None, began=time.monotonic(), way=way
    )


def hours():
    return {
        (row.tenant.slug, row.way): (row.matched, row.stale, row.wrong, row.dropped)
        for row in ComparisonHour.objects.select_related("tenant")
    }


def open_differences(*columns):
    return list(Difference.objects.order_by("customer_order_id", "member").values_list(*columns or ("member", "kind")))


# --- matched, wrong, stale


def test_a_read_that_answers_what_is_stored_has_matched(tenant, shop):
    read(tenant)
    answers.write()
    assert hours() == {("acme", "read"): (1, 0, 0, 0)}
    assert open_differences() == []


def test_a_read_that_answers_something_else_was_wrong_and_names_the_place(tenant, shop):
    read(tenant, status="SENT", price="19.9")
    answers.write()
    assert hours() == {("acme", "read"): (0, 0, 1, 0)}
    assert open_differences("customer_order_id", "member", "kind", "pointer", "here", "there", "places", "count") == [
        ("1001", "/items/*/unitPrice", "digits", "/items/0/unitPrice",
         '{"items":[{"unitPrice":19.90}]}', '{"items":[{"unitPrice":19.9}]}', 1, 1),
        ("1001", "/status", "value", "/status", '{"status":"CREATED"}', '{"status":"SENT"}', 1, 1),
    ]  # fmt: skip
    assert sorted(MemberHour.objects.values_list("member", "kind", "wrong")) == [
        ("/items/*/unitPrice", "digits", 1), ("/status", "value", 1),
    ]  # fmt: skip


def test_a_later_read_that_matches_clears_the_differences(tenant, shop):
    read(tenant, status="SENT", price="5")
    answers.write()
    read(tenant, status="CREATED", price="5")
    answers.write()
    assert open_differences() == [("/items/*/unitPrice", "value")]
    read(tenant)
    answers.write()
    assert open_differences() == []
    assert hours() == {("acme", "read"): (1, 0, 2, 0)}


def test_the_newest_difference_of_a_member_is_kept_with_the_times_it_was_seen(tenant, shop):
    for price in ("19.9", "5", "6"):
        read(tenant, price=price)
        answers.write()
    (row,) = Difference.objects.all()
    assert (row.kind, row.there, row.count) == ("value", '{"items":[{"unitPrice":6}]}', 3)
    assert row.first_seen_at < row.last_seen_at


def test_a_difference_while_an_event_waits_is_stale_and_changes_no_row(tenant, shop):
    read(tenant, price="5")
    answers.write()
    shop.put(status="SENT")
    read(tenant, status="SENT")
    answers.write()
    assert hours() == {("acme", "read"): (0, 1, 1, 0)}
    assert open_differences() == [("/items/*/unitPrice", "value")]


def test_a_difference_is_stale_when_an_event_was_received_and_applied_since_the_read_began(tenant, shop):
    read(tenant, status="SENT")
    shop.put(status="PACKED")
    shop.drain()
    answers.write()
    assert hours() == {("acme", "read"): (0, 1, 0, 0)}


def test_an_event_received_before_the_read_began_excuses_nothing(tenant, shop):
    OrderEvent.objects.update(received_at=DatabaseClock().now(-1))
    read(tenant, status="SENT")
    answers.write()
    assert hours() == {("acme", "read"): (0, 0, 1, 0)}


def test_a_dead_event_excuses_nothing(tenant, shop):
    now = DatabaseClock().now()
    dead = shop.put(status="SENT")
    OrderEvent.objects.filter(pk=dead.pk).update(status="dead", finished_at=now, received_at=now - timedelta(minutes=1))
    OrderQueue.objects.update(done_sequence=2, due_at=None)
    read(tenant, status="SENT")
    answers.write()
    assert hours() == {("acme", "read"): (0, 0, 1, 0)}


def test_a_difference_waits_for_the_event_that_makes_up_for_it(tenant, shop, monkeypatch):
    monkeypatch.setattr(judging, "JUDGED_AFTER_SECONDS", 0.3)
    read(tenant, status="SENT")
    answers.write()
    assert (hours(), open_differences()) == ({}, [])
    shop.put(status="SENT")
    shop.drain()
    time.sleep(0.3)
    answers.write()
    assert (hours(), open_differences()) == ({("acme", "read"): (1, 0, 0, 0)}, [])


def test_a_difference_that_no_event_makes_up_for_is_wrong_in_the_end(tenant, shop, monkeypatch, held):
    monkeypatch.setattr(judging, "JUDGED_AFTER_SECONDS", 0.3)
    read(tenant, status="SENT")
    read(tenant, status="SENT")
    answers.write()
    assert (hours(), held.holds_any) == ({}, True)
    time.sleep(0.3)
    answers.write()
    assert (hours(), held.holds_any, held.used_bytes) == ({("acme", "read"): (0, 0, 2, 0)}, False, 0)


def test_a_difference_that_the_next_read_no_longer_finds_was_stale(tenant, shop, monkeypatch, held):
    monkeypatch.setattr(judging, "JUDGED_AFTER_SECONDS", 60.0)
    read(tenant, status="SENT")
    answers.write()
    read(tenant)
    answers.write()
    assert (hours(), held.holds_any, held.used_bytes) == ({("acme", "read"): (1, 1, 0, 0)}, False, 0)


def test_an_event_between_the_look_and_the_writing_makes_it_stale(tenant, shop, monkeypatch):
    judge = judging.judge

    def judge_and_put(seen):
        judged = judge(seen)
        shop.put(status="PACKED")
        return judged

    monkeypatch.setattr(judging, "judge", judge_and_put)
    read(tenant, status="SENT")
    answers.write()
    assert (hours(), open_differences()) == ({("acme", "read"): (0, 1, 0, 0)}, [])


def test_an_order_that_the_own_system_does_not_know_is_missing_there(tenant, shop):
    read(tenant, answer=False)
    answers.write()
    assert open_differences() == [("", "missing there")]
    read(tenant)
    answers.write()
    assert (hours(), open_differences()) == ({("acme", "read"): (1, 0, 1, 0)}, [])


def test_an_order_that_is_not_stored_is_not_compared(tenant, shop):
    shop.put("received-only")
    for order_id in ("received-only", "never-heard-of"):
        read(tenant, order_id)
        read(tenant, order_id, answer=False)
    answers.write()
    assert hours() == {}


@pytest.mark.parametrize("mode", ["proxy", "events"])
def test_nothing_is_compared_unless_migrating(tenant, shop, mode, held):
    tenant.mode = mode
    read(tenant, status="SENT")
    saw_found(tenant, "store-1", [listed("1001", status="SENT")], began=time.monotonic())
    assert not held.holds_any


def test_tenants_and_business_units_are_distinguished(tenant, shop, make_tenant):
    other = make_tenant("bolt", "migrating")
    read(other, status="SENT")
    saw_order(tenant, "store-2", "1001", body(status="SENT"), began=time.monotonic())
    answers.write()
    assert hours() == {}


# --- searches


def listed(order_id, *, status="CREATED", customer="c-77"):
    return {"customerOrderId": order_id, "customerId": customer, "status": status}


def search(tenant, *orders):
    saw_found(tenant, "store-1", list(orders), began=time.monotonic())


def test_all_orders_of_a_search_are_compared_by_the_members_a_search_tells(tenant, shop):
    shop.put("1002")
    shop.drain()
    search(tenant, listed("1001", customer="c-1"), listed("1002"), listed("unstored"))
    answers.write()
    assert hours() == {("acme", "search"): (1, 0, 1, 0)}
    assert open_differences("customer_order_id", "member") == [("1001", "/customerId")]


def test_the_status_of_a_search_is_compared_in_the_hubs_words(tenant, shop):
    tenant.status_map = {"NEW": "CREATED"}
    search(tenant, listed("1001", status="NEW"))
    answers.write()
    assert hours() == {("acme", "search"): (1, 0, 0, 0)}


def test_a_search_clears_only_what_it_tells_of(tenant, shop):
    read(tenant, status="SENT", price="5")
    answers.write()
    search(tenant, listed("1001"))
    answers.write()
    assert open_differences() == [("/items/*/unitPrice", "value")]


def test_a_search_that_finds_nothing_wrong_does_not_raise_the_rate_and_one_that_does_lowers_it(tenant, shop):
    search(tenant, listed("1001"))
    search(tenant, listed("1001", status="SENT"))
    read(tenant)
    answers.write()
    rate = matches.match_rate(tenant, since=DatabaseClock().now())
    assert (rate.compared, rate.matched, rate.stale, rate.wrong, rate.rate) == (2, 1, 0, 1, 0.5)


# --- off the caller's path


def test_seeing_a_read_never_touches_the_database(tenant, shop, django_assert_num_queries):
    with django_assert_num_queries(0):
        read(tenant)
        search(tenant, listed("1001"))


def test_what_finds_no_room_is_dropped_and_counted(tenant, shop, monkeypatch, held):
    monkeypatch.setattr(answers, "MEMORY_BYTES", 1_000)
    read(tenant)
    read(tenant, status="SENT")
    search(tenant, listed("1001"), listed("1002"))
    answers.write()
    assert hours() == {("acme", "read"): (1, 0, 0, 1), ("acme", "search"): (0, 0, 0, 2)}
    assert matches.dropped(tenant, since=DatabaseClock().now()) == 3
    assert held.used_bytes == 0
    read(tenant)
    answers.write()
    assert hours()["acme", "read"] == (2, 0, 0, 1)


def test_reads_with_the_same_answer_are_compared_once_and_all_counted(tenant, shop, monkeypatch):
    looked = []
    differing = judging._all_differences
    monkeypatch.setattr(judging, "_all_differences", lambda *given: looked.append(1) or differing(*given))
    for _ in range(5):
        read(tenant)
    answers.write()
    assert (hours(), len(looked)) == ({("acme", "read"): (5, 0, 0, 0)}, 1)


def test_a_batch_costs_a_fixed_number_of_queries(tenant, shop, django_assert_max_num_queries):
    for number in range(50):
        shop.put(str(number))
    shop.drain()
    for number in range(50):
        read(tenant, str(number), status="SENT" if number % 2 else "CREATED")
    with django_assert_max_num_queries(14):
        answers.write()
    assert hours() == {("acme", "read"): (25, 0, 25, 0)}


def test_a_fault_while_putting_an_answer_aside_is_logged_and_costs_the_reader_nothing(tenant, monkeypatch, held):
    monkeypatch.setattr(held, "add", lambda *given, **named: 1 / 0)
    read(tenant)
    search(tenant, listed("1001"))


def test_a_fault_of_one_turn_does_not_end_the_comparing(monkeypatch):
    turns = []

    class Failing(write_behind.Collector):
        name = "failing"

        @property
        def holds_any(self):
            return len(turns) < 2

        def write(self):
            turns.append(threading.current_thread())
            raise DatabaseError("gone")

    monkeypatch.setattr(Failing, "write_seconds", 0.001)
    collector = Failing()
    collector.start()
    deadline = time.monotonic() + 5
    while len(turns) < 2 or collector.has_writer:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert len(set(turns)) == 1


# --- by the hour


def test_rates_are_kept_by_the_hour_and_read_since_any(tenant, shop):
    read(tenant)
    answers.write()
    now = DatabaseClock().now()
    hour = matches.hour_of(now)
    ComparisonHour.objects.update(starts_at=hour - timedelta(hours=2))
    read(tenant)
    read(tenant, status="SENT")
    answers.write()
    series = matches.rates_over_time(tenant, hours=4)
    assert [at for at, _ in series] == [hour - timedelta(hours=back) for back in (3, 2, 1, 0)]
    assert [rate.rate for _, rate in series] == [None, 1.0, None, 0.5]
    assert matches.match_rate(tenant, since=now).rate == 0.5
    assert matches.match_rate(tenant, since=now - timedelta(hours=2)) == matches.MatchRate(3, 2, 0, 1)
    assert matches.members(tenant, since=now - timedelta(hours=2)) == [("/status", 3, 1)]


def test_old_counts_and_differences_nobody_saw_again_are_removed(tenant, shop):
    read(tenant, status="SENT")
    answers.write()
    assert matches.remove_old(most=10) == 0
    long_ago = DatabaseClock().now() - timedelta(days=91)
    ComparisonHour.objects.update(starts_at=long_ago)
    MemberHour.objects.update(starts_at=long_ago)
    Difference.objects.update(last_seen_at=long_ago)
    assert matches.remove_old(most=10) == 3
