"""What orders carry that the hub does not know: members that it leaves out, status words that mean nothing to it."""

from __future__ import annotations

from django.db import models

from orders.models.tenants import Tenant


class UnknownContent(models.Model):
    """One member of a tenant's PUTs, or one status word of its orders, that the hub does not know, with its count."""

    class Kind(models.TextChoices):
        MEMBER = "member", "unknown member"
        STATUS = "status", "unknown status word"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="unknown_content")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=300)
    """Of a member the JSON pointer into the body, the place in a list as ``*``; of a status the sender's word."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "unknown member or word"
        verbose_name_plural = "unknown members and words"
        ordering = ("kind", "name")
        constraints = (
            models.UniqueConstraint(fields=["tenant", "kind", "name"], name="unknown_content_is_counted_in_one_row"),
            models.CheckConstraint(
                name="unknown_content_kind_is_known", condition=models.Q(kind__in=["member", "status"])
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"
