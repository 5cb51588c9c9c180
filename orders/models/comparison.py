"""A migrating tenant's own system against the stored copies: how often they agree, and where they do not."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.inbox import OrderQueue
from orders.models.tenants import Tenant
from orders.values.order_key import OrderKey


class ComparisonHour(models.Model):
    """What an hour's comparisons of one tenant came to (orders.cutover.matches)."""

    class Way(models.TextChoices):
        READ = "read", "a proxied read"
        SEARCH = "search", "a proxied search"
        SWEEP = "sweep", "the sampled sweep"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False, related_name="comparison_hours")
    starts_at = models.DateTimeField()
    way = models.CharField(max_length=10, choices=Way.choices)
    matched = models.BigIntegerField(default=0)
    stale = models.BigIntegerField(default=0)
    """They differ, and an event of the order waits or came after the read began."""
    wrong = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)
    """Answers that were not compared, because too many waited for it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "starts_at", "way"], name="comparison_hour_unique_per_tenant_and_way"
            ),
        )

    def __str__(self) -> str:
        return f"{self.matched} matched, {self.stale} stale, {self.wrong} wrong"


class Difference(models.Model):
    """The newest difference of one member of one order; the row goes when a later comparison finds none."""

    class Kind(models.TextChoices):
        """How a member of an order differs. *There* is the tenant's own system, *here* the stored copy."""

        VALUE = "value", "another value"
        DIGITS = "digits", "same number, other digits"
        INSTANT = "instant", "same time, written otherwise"
        MISSING_HERE = "missing here", "missing in the stored copy"
        MISSING_THERE = "missing there", "missing in the tenant's own system"
        SEQUENCE = "sequence", "same entries in another sequence"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False, related_name="differences")
    queue = models.ForeignKey(
        OrderQueue, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="differences"
    )
    business_unit_id = models.CharField(max_length=128)
    customer_order_id = models.CharField(max_length=128)
    member = models.CharField(max_length=200)
    """JSON pointer into the order; the place in a list is ``*``. Empty: the whole order."""
    kind = models.CharField(max_length=20, choices=Kind.choices)
    pointer = models.CharField(max_length=300, blank=True, default="")
    """The first place that differs."""
    places = models.PositiveIntegerField(default=1)
    here = models.TextField(blank=True, default="")
    """The stored value inside its members (``{"customer":{"phone":"…"}}``), so that it is masked and erased by them."""
    there = models.TextField(blank=True, default="")
    count = models.BigIntegerField(default=1)
    """Comparisons that found it."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["queue", "member"], name="difference_unique_per_order_and_member"),
            models.CheckConstraint(
                name="difference_kind_is_known",
                condition=Q(kind__in=["value", "digits", "instant", "missing here", "missing there", "sequence"]),
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "-last_seen_at", "-id"], name="difference_newest_first"),
            models.Index(fields=["tenant", "member"], name="difference_by_member"),
        )

    def __str__(self) -> str:
        return f"{self.member or 'the order'}: {self.kind}"

    @property
    def key(self) -> OrderKey:
        return OrderKey(self.tenant_id, self.business_unit_id, self.customer_order_id)


class MemberHour(models.Model):
    """In how many of an hour's comparisons a member was wrong; ignored members are not counted."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False, related_name="member_hours")
    starts_at = models.DateTimeField()
    member = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Difference.Kind.choices)
    wrong = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "starts_at", "member", "kind"], name="member_hour_unique_per_member_and_kind"
            ),
        )

    def __str__(self) -> str:
        return f"{self.member}: {self.wrong}"


class IgnoredMember(models.Model):
    """A member, with all inside it, whose differences a tenant ignores (orders.cutover.ignored_differences)."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False, related_name="ignored_members")
    member = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Difference.Kind.choices, blank=True, default="")
    """Empty: every kind of difference."""
    who = models.CharField(max_length=255)
    reason = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["tenant", "member", "kind"], name="ignored_member_unique_per_kind"),
        )

    def __str__(self) -> str:
        return self.member


class ComparisonSweep(models.Model):
    """How far the sampled sweep of a tenant has come (orders.cutover.sampling)."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="comparison_sweep")
    after_unit = models.CharField(max_length=128, blank=True, default="")
    after_order = models.CharField(max_length=128, blank=True, default="")
    """The place up to which this round has come, by business unit and order id."""
    due_at = models.DateTimeField()
    rounds = models.PositiveIntegerField(default=0)
    """Times that every stored order was passed over."""
    compared = models.BigIntegerField(default=0)
    paused_because = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return f"sweep of {self.tenant_id}"
