"""How long a tenant's finished history is kept, and how far its removal has come."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from orders.models.tenants import Tenant

DAYS_LEAST = 7
"""A week: a dead letter found on Monday still has its story, and the longest delivery schedule ends in a day."""


class Retention(models.Model):
    """A tenant without one keeps everything. See orders.retention.history for what is removed and what never is."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="retention")
    days = models.PositiveIntegerField(
        "days of history kept",
        validators=[MinValueValidator(DAYS_LEAST)],
        help_text=f"At least {DAYS_LEAST}. Finished events, deliveries, tries and timeline entries older than this are "
        "removed each day. Orders themselves, dead letters and pending work stay.",
    )
    cursor = models.JSONField(default=dict, blank=True, editable=False)
    """Of the unfinished run: its limit, and per kind of row the id up to which it has read."""
    finished_at = models.DateTimeField("last run finished", null=True, editable=False)
    removed = models.BigIntegerField("rows removed so far", default=0, editable=False)
    history = HistoricalRecords(excluded_fields=["cursor", "finished_at", "removed"])

    class Meta:
        verbose_name = "retention of history"
        verbose_name_plural = "retention of history"
        constraints = (
            models.CheckConstraint(name="retention_is_a_week_or_more", condition=models.Q(days__gte=DAYS_LEAST)),
        )

    def __str__(self) -> str:
        return f"{self.tenant}: {self.days} days"
