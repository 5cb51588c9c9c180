"""What the work amounted to, for charts: counts per step of time, added to as they come (orders.telemetry.counters)."""

from __future__ import annotations

from django.db import models

from orders.models.tenants import Tenant


class Figure(models.Model):
    """How often something happened in one step of time. No work depends on it; losing one only changes a chart."""

    class Step(models.IntegerChoices):
        """Seconds. A chart of an hour, a day or a week has 60, 96 or 168 of them."""

        MINUTE = 60
        QUARTER = 900
        HOUR = 3_600

    class Name(models.TextChoices):
        RECEIVED = "received"
        APPLIED = "applied"
        DEAD_EVENT = "dead event"
        DELIVERED = "delivered"
        FAILED_TRY = "failed try"
        DEAD_DELIVERY = "dead delivery"
        SENDING_MS = "sending ms"
        READ = "read"
        READ_FAILED = "read failed"
        READ_MS = "read ms"

    step = models.SmallIntegerField(choices=Step.choices)
    starts_at = models.DateTimeField()
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    destination = models.BigIntegerField(default=0)
    """Its id, where a destination is meant; else 0, which is nobody's."""
    name = models.CharField(max_length=20, choices=Name.choices)
    label = models.CharField(max_length=40, blank=True, default="")
    """Of times the upper end of the range that they fell in; of failures the kind."""
    count = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["step", "starts_at", "tenant", "destination", "name", "label"],
                name="figure_is_counted_in_one_row",
            ),
        )

    def __str__(self) -> str:
        return f"{self.count} {self.name}"
