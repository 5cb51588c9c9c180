"""Who the hub works for, and which programs may call it."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from oauth2_provider.models import AbstractApplication
from simple_history.models import HistoricalRecords

TENANT_SCOPES = {
    "customer-orders:read": "read customer orders, their fulfilment and stock",
    "customer-orders:write": "send customer orders and ask for the fate of their events",
    "proxy-config:write": "set the credentials of the external service",
    "order-events:operate": "preview, retry and discard dead order events",
    "products:write": "send products to OrderFlow channels",
}
SUPPLIER_SCOPES = {
    "supplier-orders:read": "fetch the supplier's part of an order",
    "events": "publish supplier events, receive the supplier's own",
}

slug_rule = RegexValidator(r"^[a-z0-9][a-z0-9-]{0,62}\Z", "Use a-z, 0-9 and hyphens, at most 63, no hyphen first.")


@cache
def time_zones() -> frozenset[str]:
    """Python opens some 600 files to tell them, which takes 10 ms: once per process."""
    return frozenset(available_timezones())


def validate_time_zone(value: str) -> None:
    if value not in time_zones():
        raise ValidationError(f"{value!r} is no time zone; use a name such as Europe/Copenhagen.")


def validate_patterns(value: object) -> None:
    """Which items a supplier or a channel claims."""
    if not isinstance(value, list) or not all(isinstance(pattern, str) and pattern for pattern in value):
        raise ValidationError('List item patterns, such as ["BEAN-*"]; * and ? are wildcards, case counts.')


class Tenant(models.Model):  # type: ignore[django-manager-missing]  # ApiClient has an untyped base
    """An isolated retail customer of the hub, set up by ops staff."""

    class Mode(models.TextChoices):
        PROXY = "proxy"
        MIGRATING = "migrating"
        EVENTS = "events"

    class UnknownMembers(models.TextChoices):
        WARN = "warn", "left out of the order, with a warning"
        REFUSE = "refuse", "refused with 400"

    slug = models.CharField("id", max_length=63, unique=True, validators=[slug_rule])
    name = models.CharField(max_length=200)
    active = models.BooleanField(default=True)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    country = models.CharField(max_length=2, blank=True, default="", validators=[RegexValidator(r"^[a-z]{2}\Z")])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    external_url = models.CharField("external URL", max_length=2000, blank=True, default="")
    proxy_timeout_seconds = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.05), MaxValueValidator(30)]
    )
    status_map = models.JSONField(default=dict, blank=True)
    unknown_members = models.CharField(
        "unknown members of a PUT",
        max_length=10,
        choices=UnknownMembers.choices,
        default=UnknownMembers.WARN,
        db_default=UnknownMembers.WARN,
    )
    case_type = models.CharField(max_length=128, default="contentClaim")
    event_retry_schedule = models.JSONField(null=True, blank=True)
    not_fetched_after_minutes = models.PositiveIntegerField(default=30)
    tells_from = models.DateTimeField(
        "notify suppliers and warehouses from",
        null=True,
        blank=True,
        help_text="They are notified only of orders first received from then on. Empty: while migrating of no order, "
        "otherwise of every order.",
    )
    cut_over_rule = models.JSONField(null=True, blank=True, editable=False)
    """When the cut-over from migrating may be made (orders.cutover.requirements); None: by the defaults."""
    compared_per_minute = models.PositiveSmallIntegerField(
        "orders compared per minute",
        default=30,
        db_default=30,
        validators=[MaxValueValidator(600)],
        help_text="While migrating, so many stored orders that nobody reads are read from the tenant's own system and "
        "compared. 0: none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.CheckConstraint(
                name="tenant_mode_is_known", condition=models.Q(mode__in=["proxy", "migrating", "events"])
            ),
            models.CheckConstraint(
                name="tenant_that_reads_through_has_an_external_url",
                condition=models.Q(mode="events") | ~models.Q(external_url=""),
            ),
        )

    @property
    def has_migrated(self) -> bool:
        """Whether the notification rule of a migration concerns it (orders.inbox.notification_rule)."""
        return self.mode == Tenant.Mode.MIGRATING or self.tells_from is not None

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class ApiClient(AbstractApplication):  # type: ignore[misc]  # the toolkit has no types
    """A program with client credentials: of a tenant (till, OMS) or of one of its suppliers."""

    class Kind(models.TextChoices):
        TENANT = "tenant"
        SUPPLIER = "supplier"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="api_clients")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TENANT)
    active = models.BooleanField(default=True)
    scopes = models.JSONField(default=list)
    business_units = models.JSONField(null=True, blank=True, help_text="Empty: all business units.")
    public_keys = models.JSONField(default=list, blank=True)
    previous_client_secret = models.CharField(max_length=255, blank=True, default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["client_secret", "previous_client_secret"])

    class Meta:
        ordering = ("client_id",)
        verbose_name = "API client"

    def __str__(self) -> str:
        return str(self.client_id)

    @property
    def known_scopes(self) -> dict[str, str]:
        return SUPPLIER_SCOPES if self.kind == self.Kind.SUPPLIER else TENANT_SCOPES

    def is_usable(self, request: object) -> bool:
        """Whether the token endpoint may serve it; a stopped client or tenant is ``invalid_client``."""
        return self.active and self.tenant.active


class UsedAssertion(models.Model):
    """A ``jti`` that a client has used; kept until the assertion itself has run out (orders.api.assertions)."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="used_assertions")
    jti_digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["client", "jti_digest"], name="used_assertion_unique_per_client"),
        )
        indexes = (models.Index(fields=["expires_at"], name="used_assertion_by_expiry"),)

    def __str__(self) -> str:
        return self.jti_digest
