"""Alerts: rules, incidents and their messages."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from orders.database.ids import new_id
from orders.models.tenants import Tenant


class AlertRule(models.Model):
    """One thing that is watched, from which amount on it is an incident, and whom to tell.

    Without a tenant it watches the whole hub; with one only that tenant's rows, and tells the tenant's own addresses.
    """

    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_rules",
        help_text="Empty: the whole hub, for its own staff. A tenant: its own rows, reported to its own addresses.",
    )
    kind = models.CharField("what is watched", max_length=30)
    threshold = models.FloatField(help_text="Notify from this amount on; its unit is named with what is monitored.")
    emails = models.JSONField("mail addresses", default=list, blank=True)
    webhook_url = models.CharField("webhook", max_length=2000, blank=True, default="")
    active = models.BooleanField(default=True)
    looked_at = models.DateTimeField(null=True, editable=False)
    history = HistoricalRecords(excluded_fields=["looked_at"])

    class Meta:
        ordering = ("tenant", "kind", "pk")
        constraints = (models.CheckConstraint(name="alert_rule_threshold_is_above_zero", condition=Q(threshold__gt=0)),)

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} of {self.tenant or 'the hub'}"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def ongoing(self) -> IncidentQuerySet:
        return self.filter(ended_at=None)


class Incident(models.Model):
    """From when to when a rule's amount was reached by one subject. One at a time; messages are per incident."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="incidents")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, db_index=False)
    subject = models.CharField(max_length=100)
    """``events``, ``deliveries`` or ``destination:<pk>``, ``supplier:<pk>``."""
    said = models.TextField()
    """One sentence as it was at the worst moment, with the next step; no personal data, nothing quoted."""
    page = models.CharField(max_length=500)
    """Path of the page that mends it."""
    most = models.FloatField()
    """The highest amount seen."""
    began_at = models.DateTimeField()
    quiet_since = models.DateTimeField(null=True)
    """Since when the amount is below the rule's; it ends when it has stayed there for a while."""
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["rule", "subject"], name="incident_one_at_a_time_per_subject", condition=Q(ended_at=None)
            ),
        )
        indexes = (models.Index(fields=["tenant", "id"], name="incident_by_tenant"),)

    def __str__(self) -> str:
        return self.said


class AlertMessage(models.Model):
    """One message about an incident, pending until ``sent_at`` or given up. Its id is the same for all attempts."""

    class Occasion(models.TextChoices):
        OPENED = "opened"
        RECOVERED = "recovered"

    class Way(models.TextChoices):
        MAIL = "mail"
        WEBHOOK = "webhook"

    id = models.UUIDField(primary_key=True, default=new_id)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="messages")
    occasion = models.CharField(max_length=10, choices=Occasion.choices)
    way = models.CharField(max_length=10, choices=Way.choices)
    due_at = models.DateTimeField(null=True)
    """None when sent, or given up after the last try."""
    tries = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["incident", "occasion", "way"], name="alert_message_once_per_occasion_and_way"
            ),
        )
        indexes = (models.Index(fields=["due_at"], name="alert_message_due", condition=Q(due_at__isnull=False)),)

    def __str__(self) -> str:
        return f"{self.occasion} by {self.way}"
