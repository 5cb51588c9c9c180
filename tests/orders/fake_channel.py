"""A channel whose partner answers what the test says, for the laws of the outbox."""

from __future__ import annotations

import threading
from collections import defaultdict

from orders.database.clock import DatabaseClock
from orders.integrations import Integration
from orders.integrations.channels import Outcome, Request, RequiredDelivery, Verdict
from orders.models import Delivery, Destination, Lane
from orders.outbox.deliveries import NewDelivery, add_deliveries

DELIVERED = Outcome(Verdict.DELIVERED, response_status=202)
FAILED = Outcome(Verdict.UNAVAILABLE, "answered 500", response_status=500, counts_for_breaker=True)


class FakeChannel:
    lease_seconds = 45.0
    answers: dict[str, list[Outcome]] = defaultdict(list)
    """Reference -> outcomes of its next tries; DELIVERED when none is left."""
    sent: list[str] = []
    batch = 1
    in_flight = most_in_flight = 0
    gate: threading.Event | None = None
    _lock = threading.Lock()

    @classmethod
    def reset(cls):
        cls.answers = defaultdict(list)
        cls.sent, cls.batch, cls.gate = [], 1, None
        cls.in_flight = cls.most_in_flight = 0

    def planner(self, tenant, keys):
        return FakePlanner(tenant)

    def holds_lane(self, kind):
        return kind == "first"

    def batch_size(self, destination):
        return self.batch

    def group(self, destination, heads):
        for start in range(0, len(heads), self.batch):
            yield Request(destination, heads[start : start + self.batch])

    def send(self, request):
        cls = type(self)
        with cls._lock:
            cls.in_flight += 1
            cls.most_in_flight = max(cls.most_in_flight, cls.in_flight)
        if cls.gate:
            cls.gate.wait(5)
        outcomes = []
        for delivery in request.deliveries:
            with cls._lock:
                cls.sent.append(delivery.reference)
                outcomes.append(
                    cls.answers[delivery.reference].pop(0) if cls.answers[delivery.reference] else DELIVERED
                )
        with cls._lock:
            cls.in_flight -= 1
        return outcomes

    def recorded(self, outcomes):
        pass

    def discarded(self, deliveries):
        pass


class FakePlanner:
    """Owes every change to every destination of the tenant."""

    def __init__(self, tenant):
        self._destinations = list(
            Destination.objects.filter(tenant=tenant, channel="fake").values_list("pk", flat=True)
        )

    def plan(self, change):
        for destination in self._destinations:
            yield RequiredDelivery(
                destination, "told", payload="{}", reference=f"{change.key.customer_order_id}-{change.sequence}"
            )

    def save(self):
        pass


def add_pending(destination, *references, lane="order:1", kind="told", merge=False):
    """Deliveries of one lane, as applying an event adds them."""
    debts = [
        NewDelivery(
            tenant_id=destination.tenant_id,
            lane_key=lane,
            required=RequiredDelivery(destination.pk, kind, payload="{}", reference=reference, supersedes_unsent=merge),
        )
        for reference in references
    ]
    return add_deliveries(debts)


def status(reference):
    return Delivery.objects.get(reference=reference).status


def due_now():
    """Ends every lane's wait for its next try."""
    Lane.objects.filter(due_at__isnull=False).update(due_at=DatabaseClock().now(-1))


class FakePartner(Integration):
    def channels(self):
        return {"fake": FakeChannel()}
