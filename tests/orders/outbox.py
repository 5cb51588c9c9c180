"""One lane of a supplier's webhook as tests of the outbox drive it, without sending anything."""

from __future__ import annotations

import uuid

from django.utils import timezone

from orders.database.clock import DatabaseClock
from orders.integrations.channels import Outcome, RequiredDelivery, Verdict
from orders.models import Delivery, Destination, Lane, OrderQueue
from orders.outbox.deliveries import NewDelivery, add_deliveries
from orders.outbox.outcomes import CompletedAttempt, record
from orders.outbox.recorder import Recorder
from orders.queueing.claims import LANES, claim

DELIVERED = Outcome(Verdict.DELIVERED)
REJECTED = Outcome(Verdict.REJECTED, "the partner refused it")
UNAVAILABLE = Outcome(Verdict.UNAVAILABLE, "no answer")


def record_finished(back):
    """Record finished requests as the dispatcher does, until nothing of them is left."""
    left = list(back)
    recorder = Recorder(left.remove)
    recorder.add(back)
    while left:
        recorder.work()


class Outbox:
    def __init__(self, tenant, *, name="beans", order_id="1001"):
        self.tenant, self.order_id = tenant, order_id
        self.destination, _ = Destination.objects.get_or_create(tenant=tenant, channel="supplier", name=name)
        self.queue, _ = OrderQueue.objects.get_or_create(
            tenant=tenant, business_unit_id="store-1", customer_order_id=order_id
        )
        self.sequence = 0

    def add_delivery(self, kind="order_updated"):
        self.sequence += 1
        debt = NewDelivery(
            tenant_id=self.tenant.pk, lane_key=f"order:{self.queue.pk}",
            required=RequiredDelivery(self.destination.pk, kind, "{}"),
            business_unit_id="store-1", customer_order_id=self.order_id, sequence=self.sequence,
        )  # fmt: skip
        return add_deliveries([debt])[0]

    @property
    def lane(self):
        return Lane.objects.get(destination=self.destination, key=f"order:{self.queue.pk}")

    def lease(self):
        Lane.objects.filter(pk=self.lane.pk, due_at__isnull=False).update(due_at=DatabaseClock().now(-1))
        lease, lanes = claim(LANES, {self.destination.pk: 10}, lease_seconds=30)
        return lease if self.lane.pk in lanes else None

    def send(self, outcome):
        """The dispatcher's part: claim the lane, try its head, record. None where nothing was due."""
        lease = self.lease()
        pending = Delivery.objects.filter(lane=self.lane, status="pending").order_by("position")
        if lease is None or not pending:
            return None
        head = pending[0]
        tried = CompletedAttempt(
            delivery=head, destination=self.destination, lease=lease, outcome=outcome, request_id=uuid.uuid4(),
            started_at=timezone.now(), duration_ms=1.0,
        )  # fmt: skip
        record([tried])
        return head.pk

    def statuses(self):
        return list(Delivery.objects.filter(lane=self.lane).order_by("position").values_list("status", flat=True))
