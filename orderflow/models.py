"""OrderFlow channels, their products, and the required and known state of each order at each warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from orderflow.site.import_documents import REFERENCE_LIMIT
from orders.models import Destination
from orders.models.settings_history import SettingsHistory
from orders.models.tenants import validate_patterns, validate_time_zone
from orders.values.order_key import OrderKey

IMPORT_PATH = "/remoteorder/imports/importitems.xml"
"""The path of the vendor's own example, for orders and products alike (docs/reference/orderflow.md#transport)."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def validate_reference(value: str) -> None:
    """Two orders must differ in their reference, so the pattern holds the order's id."""
    known = {"{customerOrderId}", "{businessUnitId}"}
    if "{customerOrderId}" not in value or not set(_PLACEHOLDER.findall(value)) <= known:
        raise ValidationError("Write {customerOrderId}, and {businessUnitId} if wanted, into the reference pattern.")


class OrderFlowChannel(models.Model):
    """One order channel of a tenant's OrderFlow site. The password is sealed apart (orderflow.site.credentials)."""

    class AuthType(models.TextChoices):
        HEADERS = "headers", "headers user and password"
        BASIC = "basic", "Basic"

    class Header(models.TextChoices):
        CHANNEL = "channel"
        ORGANISATION = "organisation"

    class Scope(models.TextChoices):
        CHANNEL = "channel"
        ORGANISATION = "organisation"
        GLOBAL = "global"

    class OnUpdate(models.TextChoices):
        REIMPORT = "reimport"
        IGNORE = "ignore"

    class OnCancel(models.TextChoices):
        CANCEL = "cancel"
        IGNORE = "ignore"

    destination = models.OneToOneField(Destination, on_delete=models.PROTECT, related_name="orderflow_channel")
    base_url = models.CharField("base URL", max_length=2000)
    channel = models.CharField(max_length=120)
    organisation = models.CharField(max_length=120, blank=True, default="")
    auth_type = models.CharField(max_length=10, choices=AuthType.choices, default=AuthType.HEADERS)
    username = models.CharField(max_length=200)
    reference = models.CharField(max_length=200, default="{customerOrderId}", validators=[validate_reference])
    business_units = models.JSONField(null=True, blank=True, help_text="Empty: all business units.")
    item_patterns = models.JSONField(default=list, blank=True, validators=[validate_patterns])
    order_path = models.CharField(max_length=500, default=IMPORT_PATH)
    product_path = models.CharField(max_length=500, default=IMPORT_PATH)
    product_header = models.CharField(max_length=12, choices=Header.choices, default=Header.CHANNEL)
    product_scope = models.CharField(max_length=12, choices=Scope.choices, default=Scope.CHANNEL)
    require_delivery_address = models.BooleanField(default=False)
    batch_size = models.PositiveIntegerField(default=100, validators=[MinValueValidator(1), MaxValueValidator(1000)])
    time_zone = models.CharField(max_length=64, default="Europe/London", validators=[validate_time_zone])
    currency_units = models.CharField(max_length=40, default="pounds")
    validated = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Orders are sent with validated=true, as the warehouse then works on them.",
    )
    import_missing_products = models.BooleanField(default=True)
    on_update = models.CharField(max_length=10, choices=OnUpdate.choices, default=OnUpdate.REIMPORT)
    on_cancel = models.CharField(max_length=10, choices=OnCancel.choices, default=OnCancel.CANCEL)
    poll_despatches_seconds = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    properties = models.JSONField(default=dict, blank=True, help_text="Fixed extra order properties.")
    history = HistoricalRecords()

    class Meta:
        verbose_name = "OrderFlow channel"
        ordering = ("destination",)
        constraints = (
            models.CheckConstraint(name="orderflow_batch_is_not_empty", condition=Q(batch_size__gte=1)),
            models.CheckConstraint(
                name="orderflow_auth_type_is_known", condition=Q(auth_type__in=["headers", "basic"])
            ),
        )

    def __str__(self) -> str:
        return self.destination.name


class Product(models.Model):
    """One product of a channel's catalogue; ``properties`` are texts as they go over the wire."""

    class Status(models.TextChoices):
        """How the warehouse stands to the product as the catalogue has it now."""

        PENDING = "pending"
        IMPORTED = "imported"
        FAILED = "failed"

    channel = models.ForeignKey(OrderFlowChannel, on_delete=models.CASCADE, related_name="products")
    sku = models.CharField("SKU", max_length=REFERENCE_LIMIT)
    properties = models.JSONField(default=dict)
    owed_digest = models.CharField(max_length=64, blank=True, default="")
    """Of the last required import."""
    held_digest = models.CharField(max_length=64, blank=True, default="")
    """Of the import the warehouse last took; empty until it took one."""
    failure = models.TextField(blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)
    history = SettingsHistory(excluded_fields=["owed_digest", "held_digest", "failure", "updated_at"])

    class Meta:
        ordering = ("channel", "sku")
        constraints = (models.UniqueConstraint(fields=["channel", "sku"], name="product_unique_per_channel_and_sku"),)

    def __str__(self) -> str:
        return self.sku

    @property
    def status(self) -> str:
        if self.held_digest and self.held_digest == self.owed_digest:
            return self.Status.IMPORTED
        return self.Status.FAILED if self.failure else self.Status.PENDING


class WarehouseOrder(models.Model):
    """One order at one warehouse: its reserved reference, the last required delivery, what the warehouse holds."""

    class Owed(models.TextChoices):
        NOTHING = ""
        IMPORT = "import"
        CANCEL = "cancel"
        CLOSE = "close"

    class State(models.TextChoices):
        """What the warehouse is known to hold. Unknown: an import went out and no verdict came. Unlisted: a verdict
        came that does not mention it, so it is looked up before anything is sent again."""

        ABSENT = "absent"
        UNKNOWN = "unknown"
        UNLISTED = "unlisted"
        HELD = "held"
        CANCELLED = "cancelled"

    channel = models.ForeignKey(
        OrderFlowChannel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="orders"
    )
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    reference = models.CharField(max_length=REFERENCE_LIMIT, null=True)  # noqa: DJ001 - unique where there is one
    """None while another order has reserved what the pattern makes of this one."""
    first_received_at = models.DateTimeField()
    """Stands for placedDateTime in an order without one; the same for all its changes."""
    owed = models.CharField(max_length=10, choices=Owed.choices, blank=True, default=Owed.NOTHING)
    owed_digest = models.CharField(max_length=65, blank=True, default="")
    """Of the last required import."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.ABSENT)
    digest = models.CharField(max_length=64, blank=True, default="")
    """Held: of what the warehouse holds. Unknown: of what it may hold. Empty: no import of ours is known."""
    imports_unanswered = models.PositiveSmallIntegerField(default=0, db_default=0)
    """Imports whose answers never came (``orderflow.imports.unanswered``): 0, 1, or 2 for several."""
    import_sent_at = models.DateTimeField(null=True, blank=True)
    """By the database's clock: no import without an answer went out later."""
    cancel_sent_at = models.DateTimeField(null=True, blank=True)
    """The same of cancels."""
    failure = models.TextField(blank=True, default="")
    """Why the warehouse refused the last required delivery; empty when it accepted it or has not got it yet."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["channel", "customer_order_id", "business_unit_id"], name="warehouse_order_unique_per_order"
            ),
            models.UniqueConstraint(fields=["channel", "reference"], name="warehouse_reference_reserved_once"),
            models.CheckConstraint(
                name="warehouse_order_state_is_known",
                condition=Q(state__in=["absent", "unknown", "unlisted", "held", "cancelled"]),
            ),
        )
        indexes = (models.Index(fields=["reference"], name="warehouse_order_by_reference"),)

    def __str__(self) -> str:
        return self.reference or self.customer_order_id

    @classmethod
    def hold(cls, pks: Iterable[int], *, skip_locked: bool = False) -> set[int]:
        """Lock rows before several are written: an UPDATE locks in the order of its plan (docs/design/locks.md).

        Returns the ids of the locked rows.
        """
        rows = cls.objects.select_for_update(no_key=True, skip_locked=skip_locked).filter(pk__in=sorted(pks))
        return set(rows.order_by("pk").values_list("pk", flat=True))

    @property
    def place(self) -> tuple[int, str, str]:
        return (self.channel_id, self.business_unit_id, self.customer_order_id)

    def key(self, tenant_id: int) -> OrderKey:
        return OrderKey(tenant_id, self.business_unit_id, self.customer_order_id)


class DespatchPoll(models.Model):
    """Where the asking for a channel's despatches stands; apart, so that the channel's history stays short."""

    channel = models.OneToOneField(OrderFlowChannel, on_delete=models.CASCADE, related_name="despatch_poll")
    cursor = models.CharField(max_length=19, blank=True, default="")
    """Highest ``completed`` seen, as the site writes it, in its own zone; empty before the first answer."""
    due_at = models.DateTimeField()
    """While one is asking: when it is taken for lost."""
    answered_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True, default="")
    """Why the last try gave nothing; empty when it did."""
    failing_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.channel)


class Despatch(models.Model):
    """One completed shipment as the site reported it; the reserved reference names its order."""

    channel = models.ForeignKey(
        OrderFlowChannel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="despatches"
    )
    reference = models.CharField(max_length=255)
    order_reference = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=120, blank=True)
    courier = models.CharField(max_length=255, blank=True)
    despatch_reference = models.CharField(max_length=255, blank=True)
    tracking_url = models.CharField("tracking URL", max_length=2000, blank=True)
    completed_at = models.DateTimeField()
    lines = models.JSONField(default=dict, blank=True)
    """Quantity per product."""
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "despatches"
        constraints = (models.UniqueConstraint(fields=["channel", "reference"], name="despatch_kept_once"),)
        indexes = (
            models.Index(fields=["channel", "order_reference"], name="despatches_of_an_order"),
            models.Index(
                fields=["channel", "despatch_reference"],
                name="despatch_by_its_reference",
                condition=~models.Q(despatch_reference=""),
            ),
        )

    def __str__(self) -> str:
        return self.reference
