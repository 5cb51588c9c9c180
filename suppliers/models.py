"""Suppliers and their webhooks; each one's part of an order; their notifications and reports."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from orders.database.ids import new_id
from orders.models import ApiClient, Destination, Tenant
from orders.models.tenants import slug_rule, validate_patterns
from orders.values.order_key import OrderKey
from suppliers.webhooks.events import DEFAULT_EVENTS, EVENT_TYPES, ORDER_CREATED, guid


def validate_event_types(value: object) -> None:
    """A webhook hears of order_created, and of the other two if it wants to: they never come before it."""
    if not isinstance(value, list) or not set(value) <= set(EVENT_TYPES) or ORDER_CREATED not in value:
        raise ValidationError(f"List {ORDER_CREATED} and, if wanted, order_updated and order_cancelled.")


class Supplier(models.Model):
    """A company that delivers lines of a tenant's orders. ``position`` is its place in the onboarding file."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="suppliers")
    slug = models.CharField("id", max_length=63, validators=[slug_rule])
    name = models.CharField(max_length=200)
    position = models.PositiveIntegerField(default=0)
    item_patterns = models.JSONField(default=list, blank=True, validators=[validate_patterns])
    api_client = models.OneToOneField(
        ApiClient, on_delete=models.PROTECT, null=True, blank=True, related_name="supplier"
    )
    active = models.BooleanField(default=True)
    notices_numbered = models.BigIntegerField(default=0, editable=False)
    """The last position given in the supplier's feed (suppliers.webhooks.pull_feed)."""
    history = HistoricalRecords(excluded_fields=["notices_numbered"])

    class Meta:
        ordering = ("tenant", "position", "pk")
        constraints = (models.UniqueConstraint(fields=["tenant", "slug"], name="supplier_id_unique_per_tenant"),)

    def __str__(self) -> str:
        return self.name

    @property
    def subscribed(self) -> list[str]:
        """The event types it gets; a supplier without a webhook, which only pulls, gets the default ones."""
        webhook = getattr(self, "webhook", None)
        return list(DEFAULT_EVENTS) if webhook is None else list(webhook.events)


class Webhook(models.Model):
    """Where a supplier is notified. Its secrets are sealed separately (suppliers.webhooks.webhook_secrets)."""

    class AuthType(models.TextChoices):
        NONE = "none"
        BASIC = "basic"
        OAUTH2 = "oauth2"

    supplier = models.OneToOneField(Supplier, on_delete=models.CASCADE, related_name="webhook")
    destination = models.OneToOneField(Destination, on_delete=models.PROTECT, related_name="webhook")
    url = models.CharField("URL", max_length=2000)
    events = models.JSONField(default=list, validators=[validate_event_types])
    auth_type = models.CharField(max_length=10, choices=AuthType.choices, default=AuthType.NONE)
    auth_config = models.JSONField(default=dict, blank=True)
    """The members of ``auth`` that are no secrets, as the onboarding file names them."""
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    """Until then the replaced signing secret signs too."""
    history = HistoricalRecords()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="webhook_auth_type_is_known", condition=Q(auth_type__in=["none", "basic", "oauth2"])
            ),
        )

    def __str__(self) -> str:
        return self.url


class OrderCase(models.Model):
    """The case minted for an order that has none: the same for every supplier of the order, for good."""

    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    uuid = models.UUIDField(default=uuid4)
    token = models.UUIDField(default=uuid4)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "customer_order_id", "business_unit_id"], name="order_case_unique_per_order"
            ),
        )
        indexes = (
            models.Index(fields=["uuid"], name="order_case_by_uuid"),
            models.Index(fields=["token"], name="order_case_by_token"),
        )

    def __str__(self) -> str:
        return guid(self.token)

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


class SupplierPart(models.Model):
    """One supplier's part of one order, named by its order token. Created with the required order_created."""

    NEVER_OWED: ClassVar = 0
    """No event's sequence: they count from 1."""

    supplier = models.ForeignKey(
        Supplier, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="parts"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    order_token = models.UUIDField(unique=True, default=uuid4)
    created_at = models.DateTimeField(db_default=Now())
    owed_digest = models.CharField(max_length=64)
    """Of the Order Data API's answer when the last event was required."""
    owed_cancelled = models.BooleanField(default=False)
    owed_lines = models.BooleanField(default=True)
    owed_sequence = models.BigIntegerField()
    """Of the last required event; NEVER_OWED after its order_created was discarded before it was delivered."""
    told_at = models.DateTimeField(null=True)
    """When a webhook was last accepted."""
    fetched_at = models.DateTimeField(null=True)
    fetches = models.PositiveIntegerField(default=0)
    unfetched_since = models.DateTimeField(null=True)
    """Since when an accepted event has not been fetched; None when the supplier has fetched everything."""
    status = models.CharField(max_length=64, blank=True, default="")
    """The supplier's own word; empty until it reports one."""
    status_comment = models.TextField(null=True)  # noqa: DJ001 - absent and empty differ in the answer
    status_at = models.DateTimeField(null=True)
    lines = models.TextField(blank=True, default="", db_default="")
    """JSON: what was reported of single lines (suppliers.reports.lines)."""
    lines_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    """When it was received that a line is rejected, while that is the newest report of lines."""
    rejected_sequence = models.BigIntegerField(null=True)
    """The last required event then: a later one, which tells the supplier of a changed order, settles it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "customer_order_id", "business_unit_id", "supplier"],
                name="supplier_part_unique_per_order",
            ),
            models.CheckConstraint(
                name="supplier_part_with_a_status_has_its_time",
                condition=Q(status="", status_at__isnull=True) | (~Q(status="") & Q(status_at__isnull=False)),
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "unfetched_since"],
                name="supplier_part_unfetched",
                condition=Q(unfetched_since__isnull=False),
            ),
            models.Index(
                fields=["tenant", "rejected_at"],
                name="supplier_part_rejected",
                condition=Q(rejected_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.token

    @classmethod
    def hold(cls, **where: Any) -> None:
        """Lock rows before several are written: an UPDATE locks in the order of its plan (docs/design/locks.md)."""
        rows = cls.objects.select_for_update(no_key=True).filter(**where)
        list(rows.order_by("order_token").values_list("pk"))

    @property
    def token(self) -> str:
        """The order token as it goes over the wire."""
        return guid(self.order_token)

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unnumbered(self) -> NoticeQuerySet:
        return self.filter(position__isnull=True)


class Notice(models.Model):
    """One event for a supplier, in the bytes that a webhook or ``receive`` delivers.

    ``position`` counts per supplier and is given after the commit, to rows that everybody can see, so that a reader
    who has seen position 7 can never be surprised by a 6.
    """

    supplier = models.ForeignKey(
        Supplier, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="notices"
    )
    part = models.ForeignKey(SupplierPart, on_delete=models.DO_NOTHING, db_constraint=False, related_name="notices")
    sequence = models.BigIntegerField()
    event_type = models.CharField(max_length=30)
    body = models.TextField()
    position = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()

    objects: ClassVar = NoticeQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["supplier", "position"], name="notice_position_unique_per_supplier"),
            models.UniqueConstraint(fields=["part", "sequence"], name="notice_unique_per_part_and_sequence"),
        )
        indexes = (
            models.Index(fields=["supplier", "id"], name="notice_unnumbered", condition=Q(position__isnull=True)),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.part_id}"


class SupplierEvent(models.Model):
    """One event that a supplier published, kept as it came."""

    id = models.UUIDField(primary_key=True, default=new_id)
    supplier = models.ForeignKey(
        Supplier, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    part = models.ForeignKey(
        SupplierPart, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="reports"
    )
    event_type = models.CharField(max_length=30)
    digest = models.CharField(max_length=64)
    body = models.TextField()
    timestamp = models.CharField(max_length=64)
    """The supplier's own text."""
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now())
    ignored = models.JSONField(default=list)
    """Members that this version does not know."""
    correlation_id = models.CharField(max_length=128, blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["supplier", "digest"], name="supplier_event_unique_per_value"),)
        indexes = (
            models.Index(fields=["supplier", "id"], name="supplier_event_by_supplier"),
            models.Index(
                fields=["correlation_id"],
                name="supplier_event_by_correlation",
                condition=~models.Q(correlation_id=""),
            ),
        )

    def __str__(self) -> str:
        return self.event_type.replace("_", " ")


class PartDelivery(models.Model):
    """The newest that a supplier said of one parcel of its part.

    Parcels are told apart by ``delivery_id``, else by ``tracking_number``, under the part's row lock.
    """

    part = models.ForeignKey(SupplierPart, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=128, blank=True, default="", db_default="")
    tracking_number = models.CharField(max_length=128, blank=True, default="")
    status = models.CharField(max_length=64)
    carrier = models.TextField(null=True)  # noqa: DJ001 - absent and empty differ in the answer
    tracking_url = models.TextField(null=True)  # noqa: DJ001
    expected_date = models.CharField(max_length=64, null=True)  # noqa: DJ001
    item_ids = models.JSONField(default=list)
    items = models.TextField(blank=True, default="", db_default="")
    """JSON: items with quantities (suppliers.reports.lines); empty: all lines."""
    happened_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "part deliveries"

    def __str__(self) -> str:
        return self.tracking_number or self.status


class StockLevel(models.Model):
    """The newest that a supplier said of its stock of one item."""

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="stock")
    item_id = models.CharField(max_length=128)
    available = models.CharField(max_length=70)
    """The number digit for digit, as reported."""
    expected_date = models.CharField(max_length=64, null=True)  # noqa: DJ001 - absent and empty differ
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["supplier", "item_id"], name="stock_level_unique_per_supplier_and_item"),
        )
        indexes = (models.Index(fields=["item_id", "supplier"], name="stock_level_by_item"),)

    def __str__(self) -> str:
        return self.item_id
