"""An order that changes while an import of it is under way: nothing outdated reaches the warehouse afterwards."""

import uuid
from dataclasses import replace

import pytest
from django.utils import timezone

from orderflow.catalogue.products import put_products
from orderflow.imports.channel import OrderFlowImports
from orderflow.imports.outcomes import refused
from orderflow.imports.steps import SET_ASIDE
from orderflow.imports.warehouse_states import Evidence
from orderflow.models import Product, WarehouseOrder
from orderflow.site.client import Reply
from orderflow.site.reports import Failure
from orders.database.clock import DatabaseClock
from orders.integrations import channels
from orders.integrations.channels import Outcome, Verdict
from orders.models import Delivery, Lane
from orders.outbox.dispatcher import claim_requests, requests_of
from orders.outbox.lane_heads import claim_heads
from orders.outbox.outcomes import CompletedAttempt, record
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
from tests.orders.test_locked_rows import held as locked_rows

pytestmark = [pytest.mark.both, pytest.mark.django_db]
LEITH, PERTH = (
    {"name": "Jo", "line1": "1 High Street", "city": town, "postalCode": "EH1", "countryCode": "GB"}
    for town in ("Leith", "Perth")
)
NO_ANSWER = Outcome(Verdict.UNAVAILABLE, "timed out", counts_for_breaker=True)


def town(site):
    (order,) = (each for each in site.site.orders.values() if each.open)
    return order.properties["deliveryAddressLine3"]


def claimed():
    (sent,) = claim_requests(10, most=10)
    return sent


def end(sent, outcomes=None):
    """The call of ``sent`` comes back: with what the site answers, or with ``outcomes``."""
    outcomes = outcomes or channels()["orderflow"].send(sent.request)
    record(
        [
            CompletedAttempt(delivery, sent.request.destination, sent.lease, outcome, uuid.uuid4(), timezone.now(), 1.0)
            for delivery, outcome in zip(sent.request.deliveries, outcomes, strict=True)
        ]
    )


@pytest.mark.parametrize(("status", "kind"), [("CANCELLED", "cancel"), ("FULFILLED", "close")])
def test_an_import_that_failed_while_its_order_ended_is_not_sent_again(site, stocked, book, status, kind):
    book.apply(an_order())
    sent = claimed()
    book.apply(an_order(status=status))
    end(sent, [NO_ANSWER])
    assert fates() == [("import", "superseded"), (kind, "pending")]
    call_limit_passes()
    deliver()
    assert fates() == [("import", "superseded"), (kind, "superseded")]
    assert posts(site) == []
    assert held(site) == {}


@pytest.mark.parametrize("status", ["CANCELLED", "FULFILLED"])
def test_an_import_that_was_refused_while_its_order_ended_cannot_be_retried(site, stocked, book, status):
    stocked.import_missing_products = False
    stocked.save()
    book.apply(an_order(("NOPE", 1)))
    sent = claimed()
    book.apply(an_order(("NOPE", 1), status=status))
    end(sent)
    deliver()
    assert [fate for _, fate in fates()] == ["superseded", "superseded"]
    assert not Delivery.objects.filter(status="dead").exists()
    put_products(stocked, {"NOPE": {"description": "known now"}})
    deliver()
    assert held(site) == {}


def test_the_change_that_replaced_an_import_in_flight_is_named(site, stocked, book):
    book.apply(an_order(("A", 1)))
    sent = claimed()
    book.apply(an_order(("A", 5)))
    end(sent, [NO_ANSWER])
    older, newer = Delivery.objects.filter(lane__customer_order_id="1001").order_by("position")
    assert (older.status, older.superseded_by, older.attempts) == ("superseded", newer.pk, 1)
    call_limit_passes()
    deliver()
    assert held(site) == {"1001": {"A": 5}}


def test_an_import_of_a_lost_worker_is_not_sent_after_its_order_was_cancelled(site, stocked, book):
    book.apply(an_order())
    claimed()
    book.apply(an_order(status="CANCELLED"))
    Lane.objects.filter(lease__isnull=False).update(due_at=DatabaseClock().now(-1))
    deliver_once()
    assert fates() == [("import", "superseded"), ("cancel", "pending")]
    call_limit_passes()
    deliver()
    assert fates() == [("import", "superseded"), ("cancel", "superseded")]
    assert posts(site) == []


def test_an_import_that_arrived_with_its_worker_is_cancelled_by_the_change(site, stocked, book):
    book.apply(an_order())
    die_after_sending()
    book.apply(an_order(status="CANCELLED"))
    deliver()
    assert held(site) == {}
    assert fates() == [("import", "superseded"), ("cancel", "delivered")]


def test_a_change_does_not_wait_for_the_schedule_of_the_import_it_replaces(site, stocked, book, settings):
    settings.HUB_DELIVERY_RETRY_SCHEDULE = [43_200.0]
    book.apply(an_order())
    end(claimed(), [NO_ANSWER])
    now = DatabaseClock().now()
    assert (Lane.objects.get(customer_order_id="1001").due_at - now).total_seconds() > 43_000
    book.apply(an_order(status="CANCELLED"))
    assert Lane.objects.get(customer_order_id="1001").due_at <= DatabaseClock().now()


def test_a_refused_resend_does_not_prove_that_the_warehouse_holds_nothing(site, stocked, book):
    stocked.import_missing_products = False
    stocked.save()
    book.apply(an_order(("A", 1)))
    die_after_sending()
    sent = claimed()
    (step,) = sent.request.context["steps"]
    failure = Failure("No product found for external reference: A.")
    outcome = refused(failure, Reply(200), holding=step.learned(Evidence.REFUSED))
    end(sent, [replace(outcome, row_id=step.row_id)])
    assert (fates(), place().state) == ([("import", "dead")], "unknown")
    book.apply(an_order(("A", 1), status="CANCELLED"))
    deliver()
    assert held(site) == {}
    assert fates()[-1] == ("cancel", "delivered")


def test_a_refusal_of_a_first_try_proves_that_the_warehouse_holds_nothing(site, stocked, book):
    stocked.import_missing_products = False
    stocked.save()
    book.apply(an_order(("NOPE", 1)))
    end(claimed())
    assert (fates(), place().state) == ([("import", "dead")], "absent")


def test_a_version_that_may_have_been_replaced_is_looked_up_before_it_is_sent_again(site, stocked, book):
    """The same lines and quantities: a duplicate would be taken for the version that went before."""
    book.apply(an_order(deliveryAddress=LEITH))
    die_after_sending()
    book.apply(an_order(deliveryAddress=PERTH))
    die_after_sending()
    assert (town(site), place().state, place().digest) == ("Perth", "unknown", "")
    book.apply(an_order(deliveryAddress=LEITH))
    deliver_once()
    call_limit_passes()
    deliver()
    assert town(site) == "Leith"


def test_a_dispatcher_that_stalled_over_its_lease_before_it_marked_writes_and_sends_nothing(site, stocked, book):
    """Another one imports the order meanwhile, and then cancels it."""
    book.apply(an_order())
    (stalled,) = claim_heads(10, most=10)
    Lane.objects.filter(lease__isnull=False).update(due_at=DatabaseClock().now(-1))
    deliver()
    book.apply(an_order(status="CANCELLED"))
    deliver()
    before = WarehouseOrder.objects.values().get()
    assert (before["state"], held(site)) == ("cancelled", {})
    for sent in requests_of(stalled):
        end(sent)
    assert WarehouseOrder.objects.values().get() == before
    assert (held(site), fates()) == ({}, [("import", "delivered"), ("cancel", "delivered")])


@pytest.mark.parametrize("locked", [Lane, WarehouseOrder])
@pytest.mark.needs_postgres
@pytest.mark.django_db(transaction=True)
def test_an_order_that_another_transaction_has_locked_holds_up_no_other_one(site, stocked, book, locked):
    book.apply(an_order(order_id="1001"), an_order(order_id="1002"))
    (claimed_heads,) = claim_heads(10, most=10)
    with locked_rows(locked.objects.filter(customer_order_id="1001")):
        requests = requests_of(claimed_heads)
    for sent in requests:
        end(sent)
    assert held(site) == {"1002": {"A": 2}}
    waiting = Delivery.objects.get(lane__customer_order_id="1001")
    assert (waiting.status, waiting.attempts, waiting.error) == ("pending", 0, SET_ASIDE.detail)
    assert Lane.objects.get(pk=waiting.lane_id).due_at > DatabaseClock().now()
    deliver()
    assert set(held(site)) == {"1001", "1002"}


def test_an_order_cancelled_after_it_was_fulfilled_is_cancelled_at_the_warehouse_too(site, stocked, book, monkeypatch):
    """All of it while the import is claimed and nothing is noted of it yet."""
    real = OrderFlowImports.group

    def group(self, destination, heads):
        monkeypatch.setattr(OrderFlowImports, "group", real)
        book.apply(an_order(status="FULFILLED"))
        book.apply(an_order(status="CANCELLED"))
        return real(self, destination, heads)

    book.apply(an_order())
    monkeypatch.setattr(OrderFlowImports, "group", group)
    deliver()
    assert held(site) == {}
    assert fates()[-1] == ("cancel", "delivered")


def test_a_refused_product_that_was_changed_meanwhile_is_still_known_to_be_held(site, stocked):
    held_before = Product.objects.get(sku="A").held_digest
    put_products(stocked, {"A": {"description": "new"}})
    sent = claimed()
    put_products(stocked, {"A": {"description": "newer"}})
    site.fail(status=400, on="importitems")
    end(sent)
    lane = Delivery.objects.filter(lane__key="product:A").order_by("position")
    assert list(lane.values_list("status", flat=True)) == ["delivered", "superseded", "pending"]
    assert Product.objects.get(sku="A").held_digest == held_before != ""


def test_placed_is_the_first_reception_of_the_order(stocked, book, engine_of):
    """The warehouse gets its part with the second event: a line of its own is new."""
    stocked.item_patterns = ["A"]
    stocked.save()
    engine = engine_of(stocked.destination.tenant)
    first = engine.put("1001", item="Z")
    engine.put("1001", item="A")
    engine.drain()
    assert place().first_received_at == first.received_at


@pytest.fixture
def engine_of(monkeypatch):
    from orders.queueing import wake_ups
    from tests.engine_fixtures import Engine

    monkeypatch.setattr(wake_ups._Waker, "wake", lambda self: None)
    return Engine
