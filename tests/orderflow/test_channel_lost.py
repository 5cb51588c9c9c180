"""Lost answers and lost workers against a real site on loopback: still every order exactly once."""

import pytest

from orders.models import DeliveryAttempt
from tests.orderflow.conftest import (
    an_order,
    call_limit_passes,
    deliver,
    deliver_once,
    die_after_sending,
    fates,
    held,
    place,
    posts,
)

pytestmark = pytest.mark.both


@pytest.mark.parametrize("section", ["importDuplicates", "importFailures"])
def test_a_lost_answer_never_makes_a_second_order(site, stocked, book, section):
    site.duplicates_section = section
    book.apply(an_order(), an_order(order_id="1002"))
    site.fail(lost=True, on="importitems")
    deliver_once()
    assert place().state == "unknown"
    assert fates() == [("import", "pending")]
    deliver_once()
    assert held(site) == {"1001": {"A": 2}, "1002": {"A": 2}}
    assert fates() == fates("1002") == [("import", "delivered")]
    assert DeliveryAttempt.objects.filter(delivery__lane__customer_order_id="1001").last().detail == (
        "Imported by an earlier try whose answer was lost; confirmed by the order's detail."
    )


def test_an_order_in_no_section_is_looked_up_before_it_is_sent_again(site, stocked, book):
    book.apply(an_order(), an_order(order_id="1002"))
    site.fail(omit="1001", on="importitems")
    deliver_once()
    assert (place().state, place("1002").state) == ("unlisted", "held")
    deliver_once()
    assert len(posts(site)) == 1
    assert fates() == [("import", "delivered")]


def test_an_unlisted_order_that_did_not_arrive_is_sent_after_the_look(site, stocked, book):
    book.apply(an_order())
    site.fail(omit=True, on="importitems")
    deliver_once()
    site.site.orders.clear()
    deliver_once()
    assert held(site) == {"1001": {"A": 2}}
    assert [call.method for call in site.calls] == ["POST", "GET", "POST"]


def test_a_change_after_a_lost_answer_looks_first_and_replaces_what_arrived(site, stocked, book):
    book.apply(an_order(("A", 2)))
    site.fail(lost=True, on="importitems")
    deliver_once()
    book.apply(an_order(("A", 7)))
    deliver()
    assert held(site) == {"1001": {"A": 7}}
    assert [call.target.split("/")[-1].split("?")[0] for call in site.calls] == [
        "importitems.xml", "detail.xml", "cancel.xml", "importitems.xml",
    ]  # fmt: skip


@pytest.mark.parametrize("fault", ["malformed", "truncated", "html", "drop", "lost", "exception", "error"])
def test_an_answer_without_a_verdict_is_tried_again_and_the_order_arrives_once(site, stocked, book, fault):
    book.apply(an_order())
    site.fail(**{fault: True}, on="importitems")
    deliver_once()
    assert fates() == [("import", "pending")]
    deliver()
    assert fates() == [("import", "delivered")]
    assert held(site) == {"1001": {"A": 2}}


def test_a_worker_lost_after_sending_makes_no_second_order(site, stocked, book):
    book.apply(an_order(("A", 2)))
    die_after_sending()
    deliver()
    assert held(site) == {"1001": {"A": 2}}
    assert fates() == [("import", "delivered")]


def test_a_change_after_a_lost_worker_looks_first_and_replaces_what_arrived(site, stocked, book):
    book.apply(an_order(("A", 2)))
    die_after_sending()
    book.apply(an_order(("A", 7)))
    deliver()
    assert held(site) == {"1001": {"A": 7}}
    assert [status for _, status in fates()] == ["superseded", "delivered"]


def test_a_worker_lost_between_cancel_and_record_leaves_one_order(site, stocked, book):
    book.apply(an_order(("A", 2)))
    deliver()
    book.apply(an_order(("A", 3)))
    die_after_sending()
    deliver_once()
    call_limit_passes()
    deliver()
    assert held(site) == {"1001": {"A": 3}}
    assert [status for _, status in fates()] == ["delivered", "delivered"]


def test_a_cancel_whose_answer_was_lost_is_done_when_the_order_does_not_exist(site, stocked, book):
    book.apply(an_order())
    deliver()
    book.apply(an_order(status="CANCELLED"))
    site.fail(lost=True, on="cancel.xml")
    deliver()
    assert held(site) == {}
    assert len(posts(site, "cancel.xml")) == 1
    assert fates()[-1][1] in ("delivered", "superseded")
    assert place().state in ("absent", "cancelled")
