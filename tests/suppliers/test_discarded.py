"""What a supplier is owed after a discard of what it was owed (docs/design/outbox.md#required-deliveries)."""

import json

import pytest

from orders.dead_letters import dead_deliveries
from orders.dead_letters.operations import NotDead
from orders.integrations import channels
from orders.models import Delivery, OrderEvent
from suppliers.models import Supplier, SupplierPart, Webhook
from suppliers.webhooks.events import EVENT_TYPES
from suppliers.webhooks.planner import PartChanged, SupplierPlanner
from tests.bodies import body
from tests.orders.outbox import DELIVERED, REJECTED, Outbox

pytestmark = [pytest.mark.both, pytest.mark.django_db]


@pytest.fixture
def tenant(engine):
    return engine.tenant


@pytest.fixture
def lane(engine, add_supplier):
    """One order's lane to a supplier that takes every line."""
    add_supplier("beans", ["*"])

    class Lane(Outbox):
        def put(self, **members):
            event = engine.put(**members)
            engine.drain()
            return json.loads(OrderEvent.objects.get(pk=event.pk).owes or "[{}]")[0]

        def kinds(self):
            return list(Delivery.objects.filter(lane=self.lane).order_by("position").values_list("kind", "status"))

        def discard(self, position):
            return dead_deliveries.discard(Delivery.objects.get(lane=self.lane, position=position), who="ada")

    return Lane(engine.tenant)


def part():
    return SupplierPart.objects.get()


def test_after_a_discarded_order_created_the_next_change_requires_it_again_with_the_same_token(lane):
    lane.put()
    token = part().order_token
    lane.send(REJECTED)
    lane.put(price="20.00")
    assert lane.discard(1).detail == "It will never be sent, nor will 1 delivery behind it."
    assert lane.put(price="21.00")["owes"] == "order_created"
    assert lane.kinds()[2:] == [("order_created", "pending")]
    assert lane.send(DELIVERED) is not None
    assert lane.put(price="22.00", status="ACCEPTED")["owes"] == "order_updated"
    assert (part().order_token, part().owed_sequence) == (token, 4)


@pytest.mark.parametrize("status", ["CANCELLED", "FULFILLED"])
def test_an_order_that_is_over_requires_nothing_after_a_discarded_order_created(lane, status):
    lane.put()
    lane.send(REJECTED)
    lane.discard(1)
    assert lane.put(status=status)["because"] == f"the order was {status} before the supplier was notified of it"
    assert lane.put(status="CREATED")["owes"] == "order_created"
    assert lane.kinds() == [("order_created", "discarded"), ("order_created", "pending")]


def test_a_supplier_whose_last_line_went_gets_nothing_after_a_discarded_order_created(lane):
    lane.put()
    lane.send(REJECTED)
    lane.discard(1)
    Supplier.objects.update(item_patterns=["OTHER-*"])
    assert lane.put(price="23.00")["because"] == "no line of the order is for this supplier"


def test_a_discarded_cancellation_that_waited_behind_is_forgotten_with_the_rest(lane):
    lane.put()
    lane.send(REJECTED)
    lane.put(status="CANCELLED")
    lane.discard(1)
    assert lane.kinds() == [("order_created", "discarded"), ("order_cancelled", "discarded")]
    assert lane.put(status="CREATED")["owes"] == "order_created"


def test_the_second_order_created_holds_the_lane_and_can_be_discarded_or_retried_in_turn(lane):
    lane.put()
    lane.send(REJECTED)
    lane.discard(1)
    lane.put(price="24.00")
    lane.send(REJECTED)
    lane.put(price="25.00")
    assert lane.kinds()[1:] == [("order_created", "dead"), ("order_updated", "pending")]
    dead_deliveries.retry(Delivery.objects.get(lane=lane.lane, position=2), who="ada")
    assert [lane.send(DELIVERED) is not None, lane.send(DELIVERED) is not None] == [True, True]
    assert lane.statuses() == ["discarded", "delivered", "delivered"]


@pytest.mark.parametrize("verb", ["retry", "redeliver"])
def test_a_discarded_order_created_never_goes_out_after_all(lane, verb):
    lane.put()
    lane.send(REJECTED)
    lane.discard(1)
    with pytest.raises((NotDead, dead_deliveries.SetAside), match="discarded"):
        getattr(dead_deliveries, verb)(Delivery.objects.get(), who="ada")
    assert lane.statuses() == ["discarded"]


def test_a_supplier_that_took_the_order_created_once_is_notified_of_the_present_by_the_next_change(lane):
    lane.put()
    lane.send(DELIVERED)
    dead_deliveries.redeliver(Delivery.objects.get(), who="beans")
    lane.send(REJECTED)
    assert lane.statuses() == ["delivered"]
    assert lane.put(price="26.00", status="ACCEPTED")["owes"] == "order_updated"


def test_a_discarded_order_updated_leaves_the_supplier_known(lane):
    lane.put()
    lane.send(DELIVERED)
    lane.put(status="ACCEPTED")
    lane.send(REJECTED)
    lane.discard(2)
    assert lane.put(status="ACCEPTED", customer="x")["owes"] == "order_updated"
    assert lane.send(DELIVERED) is not None
    assert lane.put(status="ACCEPTED", customer="y")["because"] == ("nothing that the supplier may read has changed")


@pytest.mark.parametrize("updates", [True, False])
def test_after_a_discarded_order_cancelled_the_next_change_of_the_cancelled_order_requires_it_again(lane, updates):
    Webhook.objects.update(events=[each for each in EVENT_TYPES if updates or each != "order_updated"])
    lane.put()
    lane.send(DELIVERED)
    lane.put(status="CANCELLED")
    lane.send(REJECTED)
    lane.discard(2)
    assert lane.put(status="CANCELLED", price="27.00")["owes"] == "order_cancelled"


def test_an_older_discarded_update_leaves_the_last_required_event_alone(lane):
    lane.put()
    lane.send(DELIVERED)
    lane.put(status="ACCEPTED")
    lane.send(REJECTED)
    lane.put(status="PACKED")
    lane.send(DELIVERED)
    lane.discard(2)
    assert "has changed" in lane.put(status="PACKED", customer="x")["because"]


def test_other_orders_of_the_supplier_are_untouched_by_a_discard(lane, engine):
    lane.put()
    engine.put("2002")
    engine.drain()
    lane.send(REJECTED)
    lane.discard(1)
    sequences = dict(SupplierPart.objects.values_list("customer_order_id", "owed_sequence"))
    assert sequences == {"1001": 0, "2002": 1}


def test_a_discard_that_fails_half_way_changes_nothing(lane, monkeypatch):
    lane.put()
    lane.send(REJECTED)

    def fail(deliveries):
        raise RuntimeError("no")

    monkeypatch.setattr(channels()["supplier"], "discarded", fail)
    with pytest.raises(RuntimeError):
        lane.discard(1)
    assert (lane.statuses(), part().owed_sequence) == (["dead"], 1)


def test_a_planner_that_read_before_the_discard_does_not_write_after_it(lane, book):
    """Else an order_updated would go out in a lane that no order_created holds any more."""
    lane.put()
    lane.send(REJECTED)
    change = book.change(json.loads(body("1001", price="27.00"))["customerOrder"])
    planner = SupplierPlanner(lane.tenant, [change.key])
    assert [owed.kind for owed in planner.plan(change)] == ["order_updated"]
    lane.discard(1)
    with pytest.raises(PartChanged):
        planner.save()
    assert part().owed_sequence == SupplierPart.NEVER_OWED
