"""Evaluate rules: open, update and end incidents, and add their messages, once per incident."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from orders.database.clock import DatabaseClock
from orders.integrations.console import Reading
from orders.integrations.periodic import each
from orders.models import AlertMessage, AlertRule, Incident
from orders.monitoring.alerting.measures import measures
from orders.monitoring.alerting.messages import deliver, due_messages, ways

LOOKED_AT_EVERY = timedelta(seconds=10)
"""Soon enough for a person, rare enough for the queries of all measures."""
QUIET_FOR = timedelta(seconds=60)
"""An incident stays open when its amount is below the threshold for less than this."""


def due_rules(now: datetime) -> list[int]:
    """Ids of rules to evaluate now: active ones, and stopped ones that still have an incident to end."""
    late = AlertRule.objects.exclude(looked_at__gt=now - LOOKED_AT_EVERY)
    ongoing = Incident.objects.ongoing().values("rule")
    return list((late.filter(active=True) | late.filter(pk__in=ongoing)).values_list("pk", flat=True))


@transaction.atomic
def evaluate(pk: int) -> None:
    """Evaluate one rule under its row lock, so that two schedulers open one incident."""
    rule = AlertRule.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    now = DatabaseClock().now()
    if rule is None or (rule.looked_at and rule.looked_at > now - LOOKED_AT_EVERY):
        return
    AlertRule.objects.filter(pk=pk).update(looked_at=now)
    measure = measures().get(rule.kind)
    over = {} if measure is None or not rule.active else {
        reading.subject: reading for reading in measure.read(rule.tenant_id) if reading.amount >= rule.threshold
    }  # fmt: skip
    ongoing = {one.subject: one for one in rule.incidents.ongoing().select_for_update()}
    for subject, reading in over.items():
        _update(ongoing[subject], reading) if subject in ongoing else _begin(rule, reading, now)
    for subject in ongoing.keys() - over.keys():
        _end_when_quiet(ongoing[subject], now)


def _begin(rule: AlertRule, reading: Reading, now: datetime) -> None:
    incident = Incident.objects.create(
        rule=rule,
        tenant_id=rule.tenant_id,
        subject=reading.subject,
        said=reading.said,
        page=reading.page,
        most=reading.amount,
        began_at=now,
    )
    _add_messages(incident, AlertMessage.Occasion.OPENED, now)


def _update(incident: Incident, reading: Reading) -> None:
    if reading.amount > incident.most:
        incident.most, incident.said = reading.amount, reading.said
    incident.quiet_since = None
    incident.save(update_fields=["most", "said", "quiet_since"])


def _end_when_quiet(incident: Incident, now: datetime) -> None:
    incident.quiet_since = incident.quiet_since or now
    over = now - incident.quiet_since >= QUIET_FOR
    incident.ended_at = incident.quiet_since if over else None
    incident.save(update_fields=["quiet_since", "ended_at"])
    if over:
        _add_messages(incident, AlertMessage.Occasion.RECOVERED, now)


def _add_messages(incident: Incident, occasion: str, now: datetime) -> None:
    new = [AlertMessage(incident=incident, occasion=occasion, way=way, due_at=now) for way in ways(incident.rule)]
    AlertMessage.objects.bulk_create(new, ignore_conflicts=True)


class Alerting:
    """The periodic work of alerts (orders.tasks)."""

    def due(self) -> bool:
        now = DatabaseClock.recent().now()
        return bool(due_rules(now) or due_messages(now))

    def run(self) -> None:
        each(due_rules(DatabaseClock().now()), evaluate)
        each(due_messages(DatabaseClock().now()), deliver)
