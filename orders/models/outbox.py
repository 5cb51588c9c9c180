"""The outbox: destinations, one lane per (destination, order), deliveries in line, and the tries made."""

from __future__ import annotations

from typing import ClassVar

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Collate, Now

from orders.database.commit_order import CurrentTransaction
from orders.database.ids import new_id
from orders.models.settings_history import SettingsHistory
from orders.models.tenants import Tenant
from orders.values.order_key import OrderKey


class Destination(models.Model):
    """Something the hub sends to: a supplier's webhook endpoint or an OrderFlow channel, with its health."""

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        STOPPED = "stopped"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="destinations")
    channel = models.CharField(max_length=20)
    name = models.CharField(max_length=63)
    active = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    state_reason = models.TextField(blank=True, default="")
    state_since = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    """When one delivery may be tried although the destination is stopped or its breaker open."""
    failures = models.PositiveIntegerField(default=0)
    """Consecutive failures that count for the breaker."""
    open_seconds = models.FloatField(null=True, blank=True)
    """How long the breaker stays open this time; None while it is closed."""
    waits_until = models.DateTimeField(null=True, blank=True)
    """The partner asked the whole destination to wait until then."""
    recovering_since = models.DateTimeField(null=True, blank=True)
    """When the breaker closed; for some seconds from then the rate rises (orders.outbox.destination_health)."""
    recovery_sent = models.PositiveIntegerField(default=0, db_default=0)
    """Requests let through since then."""
    concurrency = models.PositiveIntegerField(default=4)
    rate_limit_per_second = models.FloatField(null=True, blank=True)
    retry_schedule = models.JSONField(null=True, blank=True)
    history = SettingsHistory(
        excluded_fields=[
            "state", "state_reason", "state_since", "probe_at", "failures", "open_seconds", "waits_until",
            "recovering_since", "recovery_sent",
        ]
    )  # fmt: skip

    class Meta:
        ordering = ("tenant", "channel", "name")
        constraints = (
            models.UniqueConstraint(fields=["tenant", "channel", "name"], name="destination_unique_per_channel"),
            models.CheckConstraint(
                name="destination_that_does_not_run_says_why",
                condition=Q(state="running") | ~Q(state_reason=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.tenant_id and self.tenant.slug}/{self.channel}/{self.name}"

    @classmethod
    def locked(cls) -> models.QuerySet[Destination]:
        """Locked in the order of docs/design/locks.md, and not against rows that only refer to them."""
        return cls.objects.select_for_update(of=("self",), no_key=True).order_by("pk")

    @property
    def only_probes(self) -> bool:
        """Stopped, or its breaker open: nothing but a probe goes out. New settings deserve a fresh start."""
        return self.state == self.State.STOPPED or (self.state == self.State.RUNNING and self.open_seconds is not None)


class Lane(models.Model):
    """One per (destination, order), or per (destination, product): its head goes first, successors wait."""

    destination = models.ForeignKey(Destination, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    key = models.CharField(max_length=160)
    """``order:<queue id>`` or ``product:<sku>``."""
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128, blank=True, default="")
    customer_order_id = models.CharField(max_length=128, blank=True, default="")
    last_position = models.BigIntegerField(default=0)
    done_position = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    losses = models.SmallIntegerField(default=0)
    held_by = models.UUIDField(null=True)
    """The dead delivery that holds the lane until a person retries or discards it."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="lane_with_work_is_due_or_held",
                condition=Q(due_at__isnull=False)
                | Q(done_position=models.F("last_position"), lease__isnull=True)
                | Q(held_by__isnull=False, lease__isnull=True),
            ),
            models.UniqueConstraint(fields=["destination", "key"], name="lane_unique_per_destination_and_order"),
            models.CheckConstraint(
                name="lane_done_is_not_beyond_last", condition=Q(done_position__lte=models.F("last_position"))
            ),
        )
        indexes = (
            models.Index(fields=["destination", "due_at"], name="lane_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["tenant", "business_unit_id", "customer_order_id"], name="lane_by_order"),
            models.Index(fields=["id"], name="lane_held", condition=Q(held_by__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.destination_id}:{self.key}"

    @classmethod
    def locked(cls, *, skip_locked: bool = False) -> models.QuerySet[Lane]:
        """Locked in the order of docs/design/locks.md, in which ``add_deliveries`` sorts them: by code points."""
        by_code_points = Collate("key", "BINARY" if connection.vendor == "sqlite" else "C")
        return cls.objects.select_for_update(skip_locked=skip_locked).order_by("destination_id", by_code_points)

    @property
    def order_key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def dead(self) -> DeliveryQuerySet:
        return self.filter(status=Delivery.Status.DEAD)


class Delivery(models.Model):
    """One message for one destination. Its id is the same for all attempts."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        DEAD = "dead"
        SUPERSEDED = "superseded"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=new_id)
    lane = models.ForeignKey(
        Lane, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="deliveries"
    )
    destination = models.ForeignKey(Destination, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    position = models.BigIntegerField()
    kind = models.CharField(max_length=30)
    payload = models.TextField()
    reference = models.CharField(max_length=200, blank=True, default="")
    event_id = models.UUIDField(null=True)
    sequence = models.BigIntegerField(default=0)
    """The sequence of the event that required it; 0 when it is about no order."""
    correlation_id = models.CharField(max_length=128, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.IntegerField(default=0)
    tries_left_from = models.IntegerField(default=0)
    error = models.TextField(blank=True, default="")
    superseded_by = models.UUIDField(null=True)
    replaces_unsent = models.BooleanField(default=False, db_default=False)
    """Older deliveries of the lane that were not delivered are pointless since this one was added."""
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    transaction = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)
    """Number of the transaction that added it: orders.database.commit_order."""

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(fields=["lane", "position"], name="delivery_position_unique_per_lane"),
            models.CheckConstraint(
                name="delivery_status_is_known",
                condition=Q(status__in=["pending", "delivered", "dead", "superseded", "discarded"]),
            ),
            models.CheckConstraint(
                name="delivery_finished_has_a_finish_time",
                condition=Q(status="pending", finished_at__isnull=True)
                | (~Q(status="pending") & Q(finished_at__isnull=False)),
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "id"], name="delivery_by_tenant"),
            models.Index(fields=["destination", "id"], name="delivery_by_destination"),
            models.Index(fields=["destination", "transaction", "id"], name="delivery_by_commit"),
            models.Index(fields=["tenant", "id"], name="delivery_dead", condition=Q(status="dead")),
            models.Index(fields=["id"], name="delivery_dead_of_all", condition=Q(status="dead")),
            models.Index(
                fields=["status", "id"], name="delivery_set_aside", condition=Q(status__in=["superseded", "discarded"])
            ),
            models.Index(fields=["id"], name="delivery_pending", condition=Q(status="pending")),
            models.Index(fields=["reference"], name="delivery_by_reference", condition=~Q(reference="")),
        )

    def __str__(self) -> str:
        return self.kind.replace("_", " ")


class DeliveryAttempt(models.Model):
    """One try of one delivery: when, how long, what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.DO_NOTHING, db_constraint=False, related_name="tries")
    number = models.IntegerField()
    request_id = models.UUIDField()
    """The same for all deliveries that went out in one partner request."""
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    verdict = models.CharField(max_length=20)
    detail = models.TextField(blank=True, default="")
    response_status = models.IntegerField(null=True)
    response_cut = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"Try {self.number}"
