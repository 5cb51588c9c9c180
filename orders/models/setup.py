"""Setting up a tenant: what its roads said when they were tried, and clients whose secret nobody has seen yet."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from orders.models.tenants import ApiClient, Tenant


class SelfTest(models.Model):
    """One self-test of a tenant (orders.onboarding.self_test). ``lines`` are what it found; nothing reads them back."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="self_tests")
    at = models.DateTimeField(db_default=Now())
    who = models.CharField(max_length=255)
    ms = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    """How many lines failed."""
    lines = models.JSONField(default=list)

    class Meta:
        verbose_name = "self-test"
        ordering = ("-pk",)
        indexes = (models.Index(fields=["tenant", "-id"], name="self_test_newest_of_tenant"),)

    def __str__(self) -> str:
        return f"Self-test of {self.tenant}"


class Handover(models.Model):
    """A client set up while its tenant was off: its secret is made anew and shown once when the tenant is switched on.

    Gone as soon as a person was shown a secret of the client, or gave it one.
    """

    client = models.OneToOneField(ApiClient, on_delete=models.CASCADE, related_name="handover")

    def __str__(self) -> str:
        return str(self.client)
