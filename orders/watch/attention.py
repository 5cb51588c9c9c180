"""What needs a person: one sentence each with cause, consequence and next step, worst first.

The core's own lines come from here; an app adds its own by naming a callable in ``settings.ATTENTION``. Each is asked
with the tenant that the reader is bound to, or None for the hub's own staff.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from orders.durations import in_words
from orders.models import Delivery, Destination, Lane, OrderEvent
from orders.words import state_in_words


@dataclass(frozen=True, slots=True)
class Attention:
    """``harm`` orders the lines: things waiting times hours they wait."""

    sentence: str
    url: str
    harm: float = 0.0
    open_words: str = "Open"


def needing_a_person(tenant_id: int | None) -> list[Attention]:
    """Every line, worst first."""
    found = [*_destinations(tenant_id), *_dead(tenant_id)]
    for path in settings.ATTENTION:
        found += import_string(path)(tenant_id)
    return sorted(found, key=lambda one: -one.harm)


def _destinations(tenant_id: int | None) -> Iterator[Attention]:
    """Those that a person must mend or that fail just now; a paused one was a person's wish and is only told."""
    rows = Destination.objects.filter(active=True, tenant__active=True).select_related("tenant")
    rows = rows if tenant_id is None else rows.filter(tenant=tenant_id)
    for one in rows.exclude(state=Destination.State.RUNNING, open_seconds__isnull=True):
        waiting = Lane.objects.filter(destination=one, due_at__isnull=False).count()
        since = one.state_since or timezone.now()
        hours = (timezone.now() - since).total_seconds() / 3600
        waits = f"{waiting} order{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''}."
        yield Attention(
            f"{one.tenant.name} to {one.channel} {one.name}: {state_in_words(one)} {waits}",
            reverse("admin:orders_destination_change", args=(one.pk,)),
            harm=(1 + waiting) * (1 + hours),
            open_words="Open the destination",
        )


def _dead(tenant_id: int | None) -> Iterator[Attention]:
    kinds = (
        (OrderEvent.objects.dead(), "event", "admin:orders_orderevent_changelist", "received_at"),
        (Delivery.objects.dead(), "delivery", "admin:orders_delivery_changelist", "created_at"),
    )
    for dead, word, page, since in kinds:
        rows = dead if tenant_id is None else dead.filter(tenant=tenant_id)
        count = rows.count()
        if count:
            oldest = rows.order_by("pk").values_list(since, flat=True)[0]
            age = timezone.now() - oldest
            words = word if count == 1 else {"delivery": "deliveries"}.get(word, f"{word}s")
            yield Attention(
                f"{count} {words} failed for good, the oldest {in_words(age)} ago: look at the cause, then retry or "
                "discard.",
                f"{reverse(page)}?status=dead",
                harm=count * (1 + age.total_seconds() / 3600),
                open_words=f"Look at the dead {words}",
            )
