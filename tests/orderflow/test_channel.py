"""The channel against a real site on loopback: every order imported, every refusal explained."""

import base64
from decimal import Decimal

import pytest

from orderflow.models import WarehouseOrder
from orderflow.simulator import server
from orderflow.site.credentials import store_password
from orders.models import Delivery, DeliveryAttempt, Destination
from tests.orderflow.conftest import an_order, deliver, deliver_once, error, fates, held, place, posts

pytestmark = pytest.mark.both


def test_a_call_carries_the_channel_and_the_credentials_in_headers(site, stocked, book):
    book.apply(an_order())
    deliver()
    (call,) = posts(site)
    password = base64.b64encode("pässword".encode()).decode()
    assert (call.header("channel"), call.header("user"), call.header("password")) == ("MYCHANNEL", "philz", password)
    assert (call.target, call.header("Content-Type")) == (
        "/rtd2-host/remoteorder/imports/importitems.xml",
        "application/xml",
    )
    assert not call.header("Authorization")


def test_basic_takes_the_place_of_the_two_headers(site, add_channel, book):
    add_channel(base_url=site.base_url, auth_type="basic")
    book.apply(an_order())
    deliver()
    assert posts(site)[0].basic == ("philz", "pässword")
    assert not posts(site)[0].header("user")
    assert held(site) == {"1001": {"A": 2}}


def test_due_orders_go_in_one_document_and_each_is_recorded(site, stocked, book):
    for n in range(5):
        book.apply(an_order(("A", n + 1), order_id=str(n)))
    assert deliver_once() == 1
    assert held(site) == {str(n): {"A": n + 1} for n in range(5)}
    assert [fates(str(n)) for n in range(5)] == [[("import", "delivered")]] * 5
    assert DeliveryAttempt.objects.filter(delivery__kind="import").values("request_id").distinct().count() == 1


def test_a_document_carries_no_more_than_the_batch_size(site, stocked, book):
    stocked.batch_size = 2
    stocked.save()
    for n in range(5):
        book.apply(an_order(order_id=str(n)))
    deliver()
    assert sorted(call.body.count(b"<import ") for call in posts(site)) == [1, 2, 2]


def test_some_succeed_while_others_fail(site, stocked, book):
    book.apply(an_order(order_id="good"))
    book.apply(an_order(order_id="bad", currencyId="GBP"))
    stocked.properties = {}
    stocked.save()
    book.apply(an_order(("A", Decimal("0.5")), order_id="half"))
    deliver()
    assert fates("good") == fates("bad") == [("import", "delivered")]
    assert fates("half") == [("import", "dead")]
    assert error("half") == (
        "Not sent. line 1 quantityOrdered: is 0.5 for A; a warehouse takes whole, positive quantities only."
    )
    assert place("half").failure == error("half")


def test_a_duplicate_with_other_lines_is_a_failure_a_person_sees(site, stocked, book):
    book.apply(an_order(("A", 2)))
    deliver()
    WarehouseOrder.objects.update(state="absent", digest="")
    book.apply(an_order(("A", 3), ("B", 1)))
    deliver()
    assert fates() == [("import", "delivered"), ("import", "dead")]
    assert "differs (A: 2 there, 3 here; B: 0 there, 1 here)" in error()
    assert held(site) == {"1001": {"A": 2}}


def test_a_reference_conflict_is_refused_before_sending_and_heals_with_the_setting(site, stocked, book):
    book.apply(an_order(), unit="store-1")
    book.apply(an_order(), unit="store-2")
    deliver()
    assert len(posts(site)) == 1
    assert held(site) == {"1001": {"A": 2}}
    dead = Delivery.objects.get(status="dead")
    assert dead.error.startswith("Not sent. The reference 1001 is already used by order 1001 of store-1. Change the")
    stocked.reference = "{businessUnitId}-{customerOrderId}"
    stocked.save()
    dead.status, dead.finished_at = "pending", None
    dead.save()
    type(dead.lane).objects.filter(pk=dead.lane_id).update(due_at="2026-01-01T00:00:00Z", done_position=0)
    deliver()
    assert sorted(held(site)) == ["1001", "store-2-1001"]


def test_wrong_credentials_stop_the_channel_and_burn_nothing(site, stocked, book):
    store_password(stocked, "wrong")
    for n in range(3):
        book.apply(an_order(order_id=str(n)))
    deliver_once()
    destination = Destination.objects.get(pk=stocked.destination_id)
    assert destination.state == "stopped"
    assert "No user for supplied user name and password combination" in destination.state_reason
    assert set(Delivery.objects.filter(kind="import").values_list("status", "attempts")) == {("pending", 0)}
    assert place("0").state == "absent"
    store_password(stocked, "pässword")
    Destination.objects.update(state="running", state_reason="", probe_at=None)
    deliver()
    assert sorted(held(site)) == ["0", "1", "2"]


@pytest.mark.parametrize("malformed", [True, False])
def test_a_wrong_channel_stops_the_channel(site, stocked, book, malformed):
    site.errors_malformed = malformed
    stocked.channel = "WRONG"
    stocked.save()
    book.apply(an_order())
    deliver_once()
    assert "Cannot authenticate 'WRONG'" in Destination.objects.get(pk=stocked.destination_id).state_reason


def test_without_a_password_nothing_is_sent_and_the_channel_stops(site, add_channel, book):
    channel = add_channel(base_url=site.base_url, password=None)
    book.apply(an_order())
    deliver_once()
    assert site.calls == []
    assert (
        "password of OrderFlow channel main is not set"
        in Destination.objects.get(pk=channel.destination_id).state_reason
    )


def test_a_site_that_is_away_is_unavailable(add_channel, loopback, book):
    add_channel(base_url="http://127.0.0.1:9/rtd2-host")
    book.apply(an_order())
    deliver_once()
    assert fates() == [("import", "pending")]
    assert error().startswith("OrderFlow did not answer: ")


def test_a_document_refused_as_a_whole_is_halved_until_the_culprit_stands_alone(site, stocked, book, monkeypatch):
    """A site that cannot read one of sixteen imports: the other fifteen arrive."""
    readable = server.read_imports

    def fussy(body):
        if b'externalReference="poison"' in body:
            raise server.UnreadableImports("x")
        return readable(body)

    monkeypatch.setattr(server, "read_imports", fussy)
    for n in range(15):
        book.apply(an_order(order_id=f"o{n}"))
    book.apply(an_order(order_id="poison"))
    deliver_once()
    assert len(held(site)) == 15
    assert fates("poison") == [("import", "dead")]
    assert "Unable to load XML document from resource" in error("poison")
    assert len(posts(site)) <= 2 * 4 + 1


def test_a_document_of_many_that_got_no_answer_is_one_failure_of_the_channel(site, stocked, book):
    for n in range(12):
        book.apply(an_order(order_id=str(n)))
    site.fail(drop=True, on="importitems")
    deliver_once()
    destination = Destination.objects.get(pk=stocked.destination_id)
    assert (destination.failures, destination.open_seconds) == (1, None)


def test_what_was_decided_without_a_call_does_not_resume_a_stopped_channel(site, stocked, book):
    book.apply(an_order(("A", Decimal("0.5"))))
    Destination.objects.update(state="stopped", state_reason="412", probe_at="2026-01-01T00:00:00Z")
    deliver_once()
    assert fates() == [("import", "dead")]
    assert Destination.objects.get(pk=stocked.destination_id).state == "stopped"
