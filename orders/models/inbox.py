"""The inbox: one queue per order, one row per received PUT, and the order they add up to.

Why leases and not locks: docs/design/decisions/0001. The queue row alone says what is pending: pending events are those
with a sequence above ``done_sequence``; ``due_at`` says when the head may be tried, and while a worker holds the lease
it is the lease's end, so an expired lease is simply due again.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.database.commit_order import CurrentTransaction
from orders.database.ids import new_id
from orders.models.tenants import ApiClient, Tenant
from orders.values.order_key import OrderKey


class OrderQueue(models.Model):
    """One per order: hands out sequences at reception and says when its head is due."""

    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    last_sequence = models.BigIntegerField(default=0)
    done_sequence = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    losses = models.SmallIntegerField(default=0)
    """Workers lost while they held this queue's present head."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "business_unit_id", "customer_order_id"], name="order_queue_unique_per_order"
            ),
            models.CheckConstraint(
                name="order_queue_done_is_not_beyond_last", condition=Q(done_sequence__lte=models.F("last_sequence"))
            ),
            models.CheckConstraint(
                name="order_queue_with_work_is_due",
                condition=Q(due_at__isnull=False) | Q(done_sequence=models.F("last_sequence"), lease__isnull=True),
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "due_at"], name="order_queue_due", condition=Q(due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.customer_order_id

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


class OrderEventQuerySet(models.QuerySet["OrderEvent"]):
    def dead(self) -> OrderEventQuerySet:
        return self.filter(status=OrderEvent.Status.DEAD)

    def overtaken(self) -> OrderEventQuerySet:
        """With a newer event of their order applied: a retry supersedes them (docs/design/inbox.md#dead-events)."""
        return self.filter(queue__order__applied_sequence__gt=models.F("sequence"))

    def pending(self) -> OrderEventQuerySet:
        """Events that still wait, found through the queues that are due, not through the big table."""
        due = OrderQueue.objects.filter(due_at__isnull=False)
        return self.filter(queue__in=due, sequence__gt=models.F("queue__done_sequence"))


class OrderEvent(models.Model):
    """One received PUT. Processing never deletes it; its payload is kept as received."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPLIED = "applied"
        SUPERSEDED = "superseded"
        DEAD = "dead"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=new_id)
    queue = models.ForeignKey(
        OrderQueue, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    sequence = models.BigIntegerField()
    payload = models.TextField()
    client = models.ForeignKey(
        ApiClient, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, blank=True
    )
    correlation_id = models.CharField(max_length=128)
    status = models.CharField(max_length=10, choices=Status.choices, db_default=Status.PENDING, default=Status.PENDING)
    attempts = models.IntegerField(default=0, db_default=0)
    tries_left_from = models.IntegerField(default=0, db_default=0)
    """Attempts made before the present schedule began: a retry by hand starts afresh, ``attempts`` counts on."""
    error = models.TextField(default="", db_default="", blank=True)
    changed = models.BooleanField(null=True)
    superseded_by = models.UUIDField(null=True)
    owes = models.TextField(default="", db_default="", blank=True)
    """JSON: the deliveries that applying it required, per destination, or the reason why there is none."""
    warnings = models.TextField(default="", db_default="", blank=True)
    """JSON: what of the body was left out or cannot be acted on, as the sender was told; empty: nothing."""
    received_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    transaction = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)
    """Number of the transaction that stored the event: orders.database.commit_order."""

    objects: ClassVar = OrderEventQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["queue", "sequence"], name="order_event_sequence_unique_per_queue"),
            models.CheckConstraint(
                name="order_event_status_is_known",
                condition=Q(status__in=["pending", "applied", "superseded", "dead", "discarded"]),
            ),
            models.CheckConstraint(
                name="order_event_finished_has_a_finish_time",
                condition=Q(status="pending", finished_at__isnull=True)
                | (~Q(status="pending") & Q(finished_at__isnull=False)),
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "id"], name="order_event_by_tenant"),
            models.Index(fields=["tenant", "transaction", "id"], name="order_event_by_commit"),
            models.Index(fields=["tenant", "id"], name="order_event_dead", condition=Q(status="dead")),
            models.Index(fields=["id"], name="order_event_dead_of_all", condition=Q(status="dead")),
            models.Index(fields=["id"], name="order_event_pending", condition=Q(status="pending")),
            models.Index(
                fields=["tenant", "status", "id"],
                name="order_event_set_aside",
                condition=Q(status__in=["superseded", "discarded"]),
            ),
        )

    def __str__(self) -> str:
        return f"Event {self.sequence}"


class Order(models.Model):
    """The present state of one order: what applying its events in sequence came to."""

    queue = models.OneToOneField(
        OrderQueue, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="order"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    customer_id = models.CharField(max_length=128)
    status = models.CharField(max_length=128)
    placed_at = models.DateTimeField(null=True)
    item_ids = models.JSONField(default=list)
    document = models.TextField()
    """The exact JSON text of the ``customerOrder`` object, digits kept."""
    digest = models.CharField(max_length=64)
    applied_sequence = models.BigIntegerField()
    received_at = models.DateTimeField()
    """When the order was first received."""
    updated_at = models.DateTimeField()
    known_before = models.BooleanField(default=False, db_default=False)
    """First stored while nobody was notified: its changes notify nobody until it is released (orders.cutover)."""

    class Meta:
        permissions = (("view_personal_data", "Can view personal data of customers"),)
        indexes = (
            models.Index(
                fields=["tenant", "business_unit_id", "-received_at", "-queue"], name="order_newest_reception_first"
            ),
            models.Index(fields=["tenant", "queue"], name="order_known_before", condition=Q(known_before=True)),
            models.Index(fields=["tenant", "business_unit_id", "customer_id"], name="order_by_customer"),
            models.Index(fields=["tenant", "business_unit_id", "customer_order_id"], name="order_by_id"),
        )

    def __str__(self) -> str:
        return self.customer_order_id

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


def event_id(text: str) -> uuid.UUID | None:
    """The id in a path, or None where no event can have it."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
