"""Fixtures for the engine: a tenant in events mode, PUTs as the API accepts them, draining until nothing is due."""

from __future__ import annotations

import pytest

from orders.inbox import applying
from orders.inbox.reception import accept
from orders.models import Order, OrderEvent, OrderQueue, Tenant
from orders.values.order_key import OrderKey
from tests.bodies import body


class Engine:
    """The inbox of one tenant as a test drives it."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def key(self, order_id="1001", unit="store-1") -> OrderKey:
        return OrderKey(self.tenant.pk, unit, order_id)

    def put(self, order_id="1001", **members) -> OrderEvent:
        accepted = accept(self.key(order_id), payload=body(order_id, **members), client_id=None, correlation_id="test")
        return OrderEvent.objects.get(pk=accepted.event_id)

    def drain(self) -> None:
        while applying.drain():
            pass

    def due_now(self) -> None:
        """As if the time of every scheduled retry had come."""
        from orders.database.clock import DatabaseClock

        OrderQueue.objects.filter(due_at__isnull=False, lease=None).update(due_at=DatabaseClock().now(-1))

    def drain_through_retries(self, most=50) -> None:
        for _ in range(most):
            self.drain()
            if not OrderQueue.objects.filter(due_at__isnull=False).exists():
                return
            self.due_now()
        raise AssertionError("still something due")

    def queue(self, order_id="1001") -> OrderQueue:
        return OrderQueue.objects.get(**self.key(order_id)._asdict())

    def order(self, order_id="1001") -> Order:
        return Order.objects.get(queue=self.queue(order_id))

    def statuses(self, order_id="1001") -> list[str]:
        return list(self.queue(order_id).events.order_by("sequence").values_list("status", flat=True))


@pytest.fixture(autouse=True)
def _wakes(monkeypatch):
    """Tests drain by hand: a wake publishes nothing."""
    from orders.queueing import wake_ups

    monkeypatch.setattr(wake_ups._Waker, "wake", lambda self: None)


@pytest.fixture
def engine(db) -> Engine:
    return Engine(Tenant.objects.create(slug="acme", name="Acme Retail", mode=Tenant.Mode.EVENTS))


@pytest.fixture
def other_engine(db) -> Engine:
    return Engine(Tenant.objects.create(slug="bolt", name="Bolt", mode=Tenant.Mode.EVENTS))


@pytest.fixture
def faults(settings):
    settings.HUB_FAULT_INJECTION = True
