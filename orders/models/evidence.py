"""Sealed secrets, and happenings that have no row of their own."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from orders.models.tenants import Tenant


class Secret(models.Model):
    """A sealed value, bound to its tenant, kind and owning row (see orders.access.sealing)."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True)
    """None for the hub's own, such as an alert's signing secret."""
    kind = models.CharField(max_length=40)
    owner = models.CharField(max_length=100)
    """``app_label.model:pk`` of the row the secret belongs to."""
    key_id = models.CharField(max_length=32)
    sealed = models.BinaryField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["tenant", "kind", "owner"], name="secret_unique_per_kind_and_owner"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner}"


class TimelineEntry(models.Model):
    """One happening of an order that no other row tells. Keyed by order id, so it exists for proxied orders too."""

    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    at = models.DateTimeField(db_default=Now())
    road = models.CharField(max_length=20)
    what = models.CharField(max_length=200)
    detail = models.TextField(blank=True, default="")
    correlation_id = models.CharField(max_length=128, blank=True, default="")
    reference = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name_plural = "timeline entries"
        indexes = (
            models.Index(fields=["tenant", "business_unit_id", "customer_order_id", "at"], name="timeline_by_order"),
            models.Index(fields=["reference"], name="timeline_by_reference", condition=~models.Q(reference="")),
            models.Index(
                fields=["correlation_id"], name="timeline_by_correlation", condition=~models.Q(correlation_id="")
            ),
        )

    def __str__(self) -> str:
        return self.what


class OperatorAction(models.Model):
    """What a person (or a client with ``order-events:operate``) did: who, when, to what, why, and what came of it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128, blank=True, default="")
    customer_order_id = models.CharField(max_length=128, blank=True, default="")
    at = models.DateTimeField(db_default=Now())
    who = models.CharField(max_length=255)
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=100)
    """``event:<id>``, ``delivery:<id>`` or ``destination:<pk>``."""
    reason = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        indexes = (
            models.Index(fields=["tenant", "business_unit_id", "customer_order_id", "at"], name="action_by_order"),
            models.Index(fields=["subject"], name="action_by_subject"),
            models.Index(fields=["who"], name="action_by_who"),
        )

    def __str__(self) -> str:
        return f"{self.who}: {self.action} {self.subject}"
