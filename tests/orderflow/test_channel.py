"""The channel against a real site on loopback: every order exactly once, every refusal explained."""

import base64
from decimal import Decimal

import pytest

from orderflow.catalogue import put_products
from orderflow.models import Product, WarehouseOrder
from orders.models import Delivery, DeliveryAttempt, Destination
from tests.orderflow.conftest import an_order, deliver, deliver_once, die_after_sending, fates, held, place, posts

pytestmark = pytest.mark.both


def error(order_id="1001"):
    return Delivery.objects.filter(lane__customer_order_id=order_id).order_by("-position").first().error


@pytest.fixture
def stocked(site, warehouse):
    """The warehouse with products A, B and C, and nothing received yet."""
    put_products(warehouse, {sku: {"description": sku} for sku in "ABC"})
    deliver()
    site.forget()
    return warehouse


def test_products_are_imported_in_one_document_and_each_is_done(site, warehouse):
    assert put_products(warehouse, {"A": {"description": "Green"}, "B": {"description": "Red"}}) == ["A", "B"]
    deliver()
    (call,) = posts(site)
    assert call.body.count(b'<import type="product" operation="insert"') == 2
    assert {row.sku: row.held_digest == row.owed_digest for row in Product.objects.all()} == {"A": True, "B": True}
    assert set(Delivery.objects.values_list("kind", "status")) == {("product", "delivered")}


def test_an_unchanged_product_is_not_owed_again_and_a_changed_one_is_merged(site, warehouse):
    put_products(warehouse, {"A": {"description": "Green"}, "B": {"description": "Red"}})
    deliver()
    assert put_products(warehouse, {"A": {"description": "Green"}, "B": {"description": "Blue"}}) == ["B"]
    deliver()
    assert b'operation="merge" externalReference="B"' in posts(site)[1].body


def test_a_product_the_warehouse_has_already_is_merged(site, warehouse):
    put_products(warehouse, {"A": {"description": "Green"}})
    deliver()
    Product.objects.all().delete()
    put_products(warehouse, {"A": {"description": "Blue"}})
    deliver()
    assert [call.body.count(b'"merge"') for call in posts(site)] == [0, 0, 1]
    assert Product.objects.get().held_digest


def test_unsent_changes_of_a_product_are_one(site, warehouse):
    put_products(warehouse, {"A": {"description": "Green"}})
    put_products(warehouse, {"A": {"description": "Blue"}})
    deliver()
    assert len(posts(site)) == 1
    assert b"description=Blue" in posts(site)[0].body


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


def test_products_may_go_by_organisation_to_another_path(site, add_channel):
    channel = add_channel(
        base_url=site.base_url,
        organisation="altco",
        product_header="organisation",
        product_scope="organisation",
        product_path="/remotewarehouse/imports/importitems.xml",
    )
    put_products(channel, {"A": {"description": "Green"}})
    deliver()
    (call,) = posts(site)
    assert (call.target, call.header("organisation"), call.header("channel")) == (
        "/rtd2-host/remotewarehouse/imports/importitems.xml",
        "altco",
        "",
    )
    assert b"organisation=altco" in call.body
    assert Product.objects.get().held_digest


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


def test_a_missing_product_is_imported_from_the_order_line_and_the_order_once_more(site, stocked, book):
    order = an_order(("NEW", 1))
    order["items"][0]["itemName"] = "Brand new"
    book.apply(order, an_order(order_id="other"))
    deliver_once()
    bodies = [call.body for call in posts(site)]
    assert [body.count(b'type="product"') for body in bodies] == [0, 1, 0]
    assert b"description=Brand new" in bodies[1]
    assert [body.count(b'type="order"') for body in bodies] == [2, 0, 1]
    assert held(site) == {"1001": {"NEW": 1}, "other": {"A": 2}}
    assert fates() == [("import", "delivered")]


def test_several_missing_products_of_one_order_are_imported_one_after_the_other(site, stocked, book):
    book.apply(an_order(("N1", 1), ("N2", 1)))
    deliver_once()
    assert held(site) == {"1001": {"N1": 1, "N2": 1}}


def test_a_missing_product_is_a_refusal_where_the_channel_may_not_import_it(site, stocked, book):
    stocked.import_missing_products = False
    stocked.save()
    book.apply(an_order(("NEW", 1)))
    deliver()
    assert len(posts(site)) == 1
    assert fates() == [("import", "dead")]
    assert error().startswith("OrderFlow refused it: No product found for external reference: NEW.")
    assert error().endswith("Import and activate the product NEW in OrderFlow, then retry.")
    assert place().state == "absent"


def test_a_product_that_stays_unknown_is_tried_once(site, stocked, book):
    product = {"description": "x", "activated": False}
    put_products(stocked, {"DEAD": product})
    deliver()
    site.forget()
    book.apply(an_order(("DEAD", 1)))
    deliver()
    assert len(posts(site)) <= 3
    assert fates() == [("import", "dead")]


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


def test_a_duplicate_with_other_lines_is_a_failure_a_person_sees(site, stocked, book):
    book.apply(an_order(("A", 2)))
    deliver()
    WarehouseOrder.objects.update(state="absent", digest="")
    book.apply(an_order(("A", 3), ("B", 1)))
    deliver()
    assert fates() == [("import", "delivered"), ("import", "dead")]
    assert "differs (A: 2 there, 3 here; B: 0 there, 1 here)" in error()
    assert held(site) == {"1001": {"A": 2}}


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
def test_a_channel_that_ignores_changes_is_not_told(site, stocked, book, setting, order):
    setattr(stocked, setting, "ignore")
    stocked.save()
    book.apply(an_order())
    deliver()
    site.forget()
    ((nothing,),) = book.apply(an_order(**order))
    deliver()
    assert nothing.because.endswith("is ignore")
    assert site.calls == []


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
    from orderflow.credentials import store_password

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


@pytest.mark.parametrize("fault", ["malformed", "truncated", "html", "drop", "lost", "exception", "error"])
def test_an_answer_without_a_verdict_is_tried_again_and_the_order_arrives_once(site, stocked, book, fault):
    book.apply(an_order())
    site.fail(**{fault: True}, on="importitems")
    deliver_once()
    assert fates() == [("import", "pending")]
    deliver()
    assert fates() == [("import", "delivered")]
    assert held(site) == {"1001": {"A": 2}}


def test_a_site_that_is_away_is_unavailable(add_channel, loopback, book):
    add_channel(base_url="http://127.0.0.1:9/rtd2-host")
    book.apply(an_order())
    deliver_once()
    assert fates() == [("import", "pending")]
    assert error().startswith("OrderFlow did not answer: ")


def test_a_document_refused_as_a_whole_is_halved_until_the_culprit_stands_alone(site, stocked, book, monkeypatch):
    """A site that cannot read one of sixteen imports: the other fifteen arrive."""
    from orderflow import mock_orderflow

    readable = mock_orderflow.read_imports

    def fussy(body):
        if b'externalReference="poison"' in body:
            raise mock_orderflow.UnreadableDocument("x")
        return readable(body)

    monkeypatch.setattr(mock_orderflow, "read_imports", fussy)
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


def test_what_was_settled_without_a_call_does_not_resume_a_stopped_channel(site, stocked, book):
    book.apply(an_order(("A", Decimal("0.5"))))
    Destination.objects.update(state="stopped", state_reason="412", probe_at="2026-01-01T00:00:00Z")
    deliver_once()
    assert fates() == [("import", "dead")]
    assert Destination.objects.get(pk=stocked.destination_id).state == "stopped"


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
    deliver()
    assert held(site) == {"1001": {"A": 3}}
    assert [status for _, status in fates()] == ["delivered", "delivered"]


def test_a_cancel_whose_answer_was_lost_is_done_when_the_order_is_gone(site, stocked, book):
    book.apply(an_order())
    deliver()
    book.apply(an_order(status="CANCELLED"))
    site.fail(lost=True, on="cancel.xml")
    deliver()
    assert held(site) == {}
    assert len(posts(site, "cancel.xml")) == 1
    assert fates()[-1][1] in ("delivered", "superseded")
    assert place().state in ("absent", "cancelled")
