"""The measures of alert rules. A measure yields a reading for each subject whose amount is not zero."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from django.urls import reverse

from orders.database.clock import DatabaseClock
from orders.integrations import integrations
from orders.integrations.console import Measure, Reading
from orders.models import Delivery, Destination, OrderEvent
from orders.monitoring.attention import capped, counted
from orders.monitoring.progress import oldest_due
from orders.outbox.destination_labels import channel_label
from orders.values.time_text import in_words


@cache
def measures() -> dict[str, Measure]:
    return OWN | {name: measure for one in integrations() for name, measure in one.alert_measures().items()}


def _oldest_due(tenant_id: int | None) -> Iterator[Reading]:
    oldest = oldest_due(tenant_id)
    ages = (
        ("events", "event", oldest.events, "Orders are accepted but not applied; look at the inbound workers."),
        ("deliveries", "delivery", oldest.deliveries, "Partners are not notified; look at the outbound workers."),
    )
    for subject, one, age, step in ages:
        if age is not None:
            said = f"The oldest due {one} has been due for {in_words(age)}. {step}"
            yield Reading(subject, age, said, reverse("admin:index"))


def _dead_letters(tenant_id: int | None) -> Iterator[Reading]:
    dead = (("events", OrderEvent.objects.dead(), "event"), ("deliveries", Delivery.objects.dead(), "delivery"))
    for subject, rows, one in dead:
        count = capped(rows if tenant_id is None else rows.filter(tenant=tenant_id))
        if count:
            words = counted(count, f"{one} has", f"{subject} have")
            said = f"{words} failed for good. Preview what a retry would do, then retry or discard."
            yield Reading(subject, count, said, reverse("admin:orders_repairrun_dead"))


def _stopped_destinations(tenant_id: int | None) -> Iterator[Reading]:
    stopped = Destination.objects.filter(active=True, tenant__active=True, state=Destination.State.STOPPED)
    rows = stopped if tenant_id is None else stopped.filter(tenant=tenant_id)
    now = DatabaseClock.recent().now()
    for one in rows.select_related("tenant"):
        since = now - (one.state_since or now)
        yield Reading(
            f"destination:{one.pk}",
            max(since.total_seconds() / 60, 0.01),
            f"{channel_label(one)} {one.name} of {one.tenant.name} is stopped for {in_words(since)}: "
            "it refused our login or channel. Its pending deliveries are kept in order and sent once its settings are "
            "corrected.",
            reverse("admin:orders_destination_change", args=(one.pk,)),
        )


OWN = {
    "oldest_due": Measure("age of the oldest due event or delivery", "seconds", 60, _oldest_due),
    "dead_letters": Measure("dead events or deliveries", "dead rows", 1, _dead_letters),
    "stopped_destination": Measure("a stopped destination", "minutes", 1, _stopped_destinations),
}
