"""Work through many dead letters, begun by a person, done in the background (orders.dead_letters.bulk_runs)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.models.tenants import Tenant


class RepairRun(models.Model):
    """One run: who began it, why, on which dead rows, what came of them so far. The rows are the truth of what was
    done (each has its OperatorAction); ``cursor`` says after which id the run goes on.
    """

    class Verb(models.TextChoices):
        PREVIEW = "preview"
        RETRY = "retry"
        SET_ASIDE = "set aside"
        DISCARD = "discard"

    class State(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"
        DONE = "done"

    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    """Whose dead rows alone are meant; empty: everybody's."""
    verb = models.CharField(max_length=10, choices=Verb.choices)
    selection = models.JSONField(default=dict)
    """``orders.dead_letters.selection.Selection`` as JSON."""
    words = models.CharField(max_length=300)
    """What was selected, for people."""
    who = models.CharField(max_length=255)
    reason = models.TextField(blank=True, default="")
    expected = models.IntegerField(default=0)
    """Rows selected when the run began."""
    counts = models.JSONField(default=dict)
    """Outcome -> rows, so far."""
    cursor = models.UUIDField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    stop_requested = models.BooleanField(default=False, db_default=False)
    log = models.JSONField(default=list)
    """Who stopped and resumed it, and when."""
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    began_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "bulk retry"
        verbose_name_plural = "bulk retries"
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                name="repair_run_verb_is_known", condition=Q(verb__in=["preview", "retry", "set aside", "discard"])
            ),
            models.CheckConstraint(
                name="repair_run_done_has_a_finish_time", condition=~Q(state="done") | Q(finished_at__isnull=False)
            ),
        )
        indexes = (models.Index(fields=["id"], name="repair_run_running", condition=Q(state="running")),)

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.verb} {self.words}"

    @property
    def seen(self) -> int:
        """Rows worked through so far."""
        return sum(self.counts.values())

    def count(self, *outcomes: str) -> int:
        return sum(self.counts.get(outcome, 0) for outcome in outcomes)

    def noted(self, who: str, what: str, at: str) -> list[dict[str, Any]]:
        return [*self.log, {"who": who, "what": what, "at": at}]
