"""Moving a tenant from proxy to events: what its own system is known to have, what was loaded, what was released."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.tenants import ApiClient, Tenant
from orders.values.order_key import OrderKey


class KnownOrder(models.Model):
    """The backfill ledger: an order that the tenant's own system is known to have (orders.cutover.ledger)."""

    class How(models.TextChoices):
        READ = "read", "seen in a proxied read"
        SEARCH = "search", "seen in a proxied search"
        FILE = "file", "listed in an uploaded file"
        API = "api", "listed over the API"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False, related_name="known_orders")
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    how = models.CharField(max_length=10, choices=How.choices)
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "business_unit_id", "customer_order_id"], name="known_order_unique_per_order"
            ),
        )
        indexes = (models.Index(fields=["tenant", "id"], name="known_order_by_tenant"),)

    def __str__(self) -> str:
        return self.customer_order_id

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


class LedgerHour(models.Model):
    """How far the backfill was in one hour, for the chart; the last count of the hour (orders.cutover.ledger_hours)."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False, related_name="ledger_hours")
    starts_at = models.DateTimeField()
    counted_at = models.DateTimeField()
    known = models.PositiveIntegerField()
    received = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["tenant", "starts_at"], name="ledger_hour_unique_per_tenant"),)

    def __str__(self) -> str:
        return f"{self.received} of {self.known}"


class LoadRequest(models.Model):
    """One answered load, kept for its Idempotency-Key; written in the transaction that stores its events."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, db_index=False, related_name="loads")
    key = models.CharField(max_length=255)
    nonce = models.UUIDField()
    """Of the request that wrote the row: tells it from an earlier one with the same key."""
    body_digest = models.CharField(max_length=64)
    answer = models.BinaryField(default=b"")
    """The NDJSON answer, compressed (zlib)."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["client", "key"], name="load_request_unique_per_client_and_key"),
        )
        indexes = (models.Index(fields=["created_at"], name="load_request_by_age"),)

    def __str__(self) -> str:
        return self.key


class OrderRelease(models.Model):
    """A release of orders known before the cut-over: from then on suppliers and warehouses are notified of them.

    Work is pending until ``finished_at`` and continues after ``done_to`` (orders.cutover.release_work).
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="order_releases")
    who = models.CharField(max_length=255)
    reason = models.TextField(blank=True, default="")
    choice = models.JSONField()
    """Which orders (orders.cutover.order_choice.Choice)."""
    created_at = models.DateTimeField(db_default=Now())
    done_to = models.BigIntegerField(default=0)
    """Queue id up to which all chosen orders are released."""
    released = models.PositiveIntegerField(default=0)
    owed = models.JSONField(default=dict)
    """Number of deliveries it added, by destination id."""
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=["id"], name="order_release_unfinished", condition=Q(finished_at__isnull=True)),)

    def __str__(self) -> str:
        return f"release {self.pk}"
