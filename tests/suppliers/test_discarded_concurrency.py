"""A person discards an order_created while a worker applies the order's next event (PostgreSQL's two connections)."""

import pytest

from orders.dead_letters import dead_deliveries
from orders.models import Delivery, Tenant
from orders.outbox import planning
from suppliers.models import Supplier, SupplierPart
from tests.engine_fixtures import Engine
from tests.orders.outbox import DELIVERED, REJECTED, Outbox
from tests.threads import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(db):
    return Tenant.objects.create(slug="acme", name="Acme", mode="events", country="dk")


def test_an_event_planned_before_the_discard_is_planned_anew_after_it(tenant, add_supplier, monkeypatch):
    """Else the supplier would get an order_updated of an order that it was never told of."""
    add_supplier("beans", ["*"])
    engine, outbox = Engine(tenant), Outbox(tenant)
    engine.put()
    engine.drain()
    outbox.send(REJECTED)
    created, tries = Delivery.objects.get(), []

    def add_late(new):
        tries.append([one.required.kind for one in new])
        if len(tries) == 1:
            elsewhere(lambda: dead_deliveries.discard(created, who="ada"))
        return add(new)

    add = planning.add_deliveries
    monkeypatch.setattr(planning, "add_deliveries", add_late)
    engine.put(price="20.00")
    engine.drain()
    assert tries == [["order_updated"], ["order_created"]]
    assert engine.statuses() == ["applied", "applied"]
    assert list(Delivery.objects.order_by("position").values_list("kind", "status")) == [
        ("order_created", "discarded"), ("order_created", "pending"),
    ]  # fmt: skip
    assert Supplier.objects.get().parts.get().owed_sequence == 2


def test_a_cancellation_discarded_while_the_next_change_is_planned_is_required_again(tenant, add_supplier, monkeypatch):
    """The supplier still believes that the order goes on."""
    add_supplier("beans", ["*"])
    engine, outbox = Engine(tenant), Outbox(tenant)
    engine.put()
    engine.drain()
    outbox.send(DELIVERED)
    engine.put(status="CANCELLED")
    engine.drain()
    outbox.send(REJECTED)
    cancelled, tries = Delivery.objects.get(kind="order_cancelled"), []

    def add_late(new):
        tries.append([one.required.kind for one in new])
        if len(tries) == 1:
            elsewhere(lambda: dead_deliveries.discard(cancelled, who="ada"))
        return add(new)

    add = planning.add_deliveries
    monkeypatch.setattr(planning, "add_deliveries", add_late)
    engine.put(status="CANCELLED", price="20.00")
    engine.drain()
    assert tries == [["order_updated"], ["order_cancelled"]]
    assert engine.statuses() == ["applied"] * 3
    assert SupplierPart.objects.get().owed_cancelled
