"""Changes and cancellations against a real site on loopback: the warehouse ends up with what the order says."""

from decimal import Decimal

import pytest

from tests.orderflow.conftest import an_order, deliver, error, fates, held, place, posts

pytestmark = pytest.mark.both


def test_a_changed_order_is_cancelled_and_imported_again(site, stocked, book):
    book.apply(an_order(("A", 2)))
    deliver()
    book.apply(an_order(("A", 5)))
    deliver()
    assert held(site) == {"1001": {"A": 5}}
    (cancel,) = posts(site, "cancel.xml")
    assert cancel.form == {"externalReference": "1001", "cancelChangesExternalReference": "true"}
    assert fates() == [("import", "delivered"), ("import", "delivered")]


def test_a_cancelled_order_is_cancelled_and_may_come_back(site, stocked, book):
    book.apply(an_order())
    deliver()
    book.apply(an_order(status="CANCELLED"))
    deliver()
    assert held(site) == {}
    assert place().state == "cancelled"
    book.apply(an_order())
    deliver()
    assert held(site) == {"1001": {"A": 2}}
    assert [status for _, status in fates()] == ["delivered"] * 3


def test_an_order_cancelled_before_it_was_sent_sends_nothing(site, stocked, book):
    book.apply(an_order())
    book.apply(an_order(status="CANCELLED"))
    deliver()
    assert site.calls == []
    assert fates() == [("import", "superseded"), ("cancel", "superseded")]


def test_an_order_fulfilled_before_it_was_sent_sends_nothing(site, stocked, book):
    book.apply(an_order())
    book.apply(an_order(status="FULFILLED"))
    deliver()
    assert site.calls == []
    assert fates() == [("import", "superseded"), ("close", "superseded")]


def test_a_dead_import_is_superseded_by_the_next_change(site, stocked, book):
    book.apply(an_order(("A", Decimal("0.5"))))
    deliver()
    book.apply(an_order(("A", 1)))
    deliver()
    assert fates() == [("import", "superseded"), ("import", "delivered")]
    assert posts(site, "cancel") == []
    assert place().failure == ""


def test_a_change_there_and_back_before_it_was_sent_sends_nothing(site, stocked, book):
    book.apply(an_order(("A", 2)))
    deliver()
    site.forget()
    book.apply(an_order(("A", 3)))
    book.apply(an_order(("A", 2)))
    deliver()
    assert site.calls == []
    assert [status for _, status in fates()] == ["delivered", "superseded", "superseded"]


def test_a_cancel_that_was_not_performed_is_a_failure_a_person_sees(site, stocked, book):
    book.apply(an_order())
    deliver()
    site.site.despatch("MYCHANNEL", "1001", courier="", tracking_url="")
    book.apply(an_order(status="CANCELLED"))
    deliver()
    assert fates()[-1] == ("cancel", "dead")
    assert "The warehouse did not cancel 1001 (No cancel operation performed" in error()
    assert place().state == "held"


@pytest.mark.parametrize(
    ("setting", "order"), [("on_cancel", {"status": "CANCELLED"}), ("on_update", {"currencyId": "GBP"})]
)
def test_a_channel_that_ignores_changes_gets_none(site, stocked, book, setting, order):
    setattr(stocked, setting, "ignore")
    stocked.save()
    book.apply(an_order())
    deliver()
    site.forget()
    ((nothing,),) = book.apply(an_order(**order))
    deliver()
    assert nothing.because.endswith("is ignore")
    assert site.calls == []
