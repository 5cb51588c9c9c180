"""A slow site still at work on a call when the hub goes on: what that may change is not taken for proved."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from orderflow.imports.unanswered import SEVERAL, Unanswered
from orderflow.site.client import CALL_SECONDS
from orders.database.clock import DatabaseClock
from orders.integrations import channels
from orders.models import Lane
from orders.outbox.dispatcher import claim_requests
from tests.orderflow.conftest import (
    an_order,
    call_limit_passes,
    deliver,
    deliver_once,
    error,
    fates,
    held,
    place,
    posts,
)

pytestmark = [pytest.mark.both, pytest.mark.django_db]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SLOWEST = 60
"""Seconds that a busy machine may take between two lines of a test."""


def a_dispatcher_is_killed():
    """In the middle of its call, which reaches the site when what is returned is called."""
    (sent,) = claim_requests(10, most=10)
    Lane.objects.filter(lease__isnull=False).update(due_at=DatabaseClock().now(-1))
    return lambda: channels()["orderflow"].send(sent.request)


def waits():
    return (Lane.objects.get(customer_order_id="1001").due_at - DatabaseClock().now()).total_seconds()


@pytest.mark.parametrize("arrives", [True, False])
def test_an_import_that_arrives_after_the_cancel_looked_is_cancelled(site, stocked, book, arrives):
    book.apply(an_order())
    late_import = a_dispatcher_is_killed()
    book.apply(an_order(status="CANCELLED"))
    deliver_once()
    assert fates() == [("import", "superseded"), ("cancel", "pending")]
    assert error().startswith("The warehouse does not know the order yet. An import of it was sent before")
    assert re.search(r" Tried again in \d+ s at the earliest, when that can be ruled out\.$", error())
    assert CALL_SECONDS - SLOWEST < waits() <= CALL_SECONDS
    if arrives:
        late_import()
    call_limit_passes()
    deliver()
    assert held(site) == {}
    assert fates()[-1] == ("cancel", "delivered" if arrives else "superseded")


def test_an_import_that_arrives_before_the_cancel_looks_is_cancelled_at_once(site, stocked, book):
    book.apply(an_order())
    late_import = a_dispatcher_is_killed()
    book.apply(an_order(status="CANCELLED"))
    late_import()
    deliver_once()
    assert (fates()[-1], held(site)) == (("cancel", "delivered"), {})


def test_another_version_is_not_sent_while_the_first_may_still_arrive(site, stocked, book):
    book.apply(an_order(("A", 1)))
    late_import = a_dispatcher_is_killed()
    book.apply(an_order(("A", 2)))
    deliver_once()
    assert (posts(site), fates()[-1]) == ([], ("import", "pending"))
    late_import()
    call_limit_passes()
    deliver()
    assert held(site) == {"1001": {"A": 2}}


def test_the_same_import_is_sent_again_at_once(site, stocked, book):
    book.apply(an_order())
    late_import = a_dispatcher_is_killed()
    deliver_once()
    assert (fates(), held(site)) == ([("import", "delivered")], {"1001": {"A": 2}})
    late_import()
    assert held(site) == {"1001": {"A": 2}}


def test_an_order_that_was_cancelled_is_looked_up_again_where_an_earlier_import_may_still_arrive(site, stocked, book):
    book.apply(an_order())
    late_import = a_dispatcher_is_killed()
    deliver_once()
    book.apply(an_order(status="CANCELLED"))
    deliver_once()
    assert (held(site), fates()[-1], place().state) == ({}, ("cancel", "pending"), "unknown")
    assert error().startswith("Cancelled: ")
    late_import()
    call_limit_passes()
    deliver()
    assert (held(site), fates()[-1]) == ({}, ("cancel", "delivered"))


def test_an_import_that_the_hub_stopped_waiting_for_may_arrive_too(site, stocked, book):
    """The time counts from when the hub stopped waiting: it had sent the import by then."""
    book.apply(an_order())
    (sent,) = claim_requests(10, most=10)
    Lane.objects.filter(lease__isnull=False).update(due_at=DatabaseClock().now(-1))
    call_limit_passes()
    site.fail(drop=True, on="importitems")
    deliver_once()
    book.apply(an_order(status="CANCELLED"))
    deliver_once()
    assert (fates()[-1], CALL_SECONDS - SLOWEST < waits() <= CALL_SECONDS) == (("cancel", "pending"), True)
    channels()["orderflow"].send(sent.request)
    call_limit_passes()
    deliver()
    assert (held(site), fates()[-1]) == ({}, ("cancel", "delivered"))


def test_no_import_is_sent_while_a_cancel_may_still_arrive(site, stocked, book):
    book.apply(an_order())
    deliver()
    book.apply(an_order(status="CANCELLED"))
    late_cancel = a_dispatcher_is_killed()
    book.apply(an_order(("A", 3)))
    site.forget()
    deliver_once()
    assert (site.calls, fates()[-1]) == ([], ("import", "pending"))
    assert error().startswith("A cancel of this order was sent, and its answer never came")
    late_cancel()
    call_limit_passes()
    deliver()
    assert held(site) == {"1001": {"A": 3}}


def test_a_cancel_refused_because_an_earlier_one_arrived_first_is_no_refusal(site, stocked, book, monkeypatch):
    from orderflow.site.client import Site

    book.apply(an_order())
    deliver()
    book.apply(an_order(status="CANCELLED"))
    late_cancel, real = a_dispatcher_is_killed(), Site.cancel

    def cancel(self, *arguments, **options):
        monkeypatch.setattr(Site, "cancel", real)
        late_cancel()
        return real(self, *arguments, **options)

    monkeypatch.setattr(Site, "cancel", cancel)
    deliver_once()
    assert (fates()[-1], place().state) == (("cancel", "pending"), "unknown")
    deliver_once()
    assert fates()[-1] == ("cancel", "superseded")


def test_an_import_may_arrive_until_the_call_limit_after_it_may_have_been_sent():
    calls = Unanswered().with_import().written(NOON)
    at = {seconds: calls.import_arrives_within(NOON + timedelta(seconds=seconds)) for seconds in (0, 100, 300, 900)}
    assert at == {0: 300.0, 100: 200.0, 300: 0.0, 900: 0.0}
    assert calls.cancel_arrives_within(NOON) == 0.0


@pytest.mark.parametrize(("found_after", "latest"), [(29, 29), (900, 315)])
def test_a_lost_dispatcher_may_have_sent_it_until_it_was_found_lost_but_only_within_its_whole_call(found_after, latest):
    calls = Unanswered().with_import().with_cancel().written(NOON)
    lost = calls.after_lost_dispatcher(NOON + timedelta(seconds=found_after))
    assert lost.import_at == lost.cancel_at == NOON + timedelta(seconds=latest)


def test_of_more_than_two_imports_it_is_known_that_they_are_several():
    assert Unanswered().with_import().with_import().with_import().imports == SEVERAL
