"""How much may go to each destination just now: health, concurrency, rate, and fair shares between destinations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Count

from orders.channels import channels
from orders.clock import DatabaseClock
from orders.models import Destination, Lane
from orders.queues import LANES, due_groups

BURST_SECONDS = 1.0
"""A rate-limited destination gets at most this much of its rate at once."""


def allowances(room: int) -> Mapping[str, Mapping[int, int]]:
    """Per channel and destination: how many lane heads to claim, for at most ``room`` partner requests altogether."""
    groups = due_groups(LANES)
    if not groups:
        return {}
    clock = DatabaseClock()
    destinations = Destination.objects.select_related("tenant").filter(pk__in=groups, active=True, tenant__active=True)
    ready = [destination for destination in destinations if _ready(destination, clock)]
    if not ready:
        return {}
    in_flight = dict(
        Lane.objects.filter(destination__in=ready, lease__isnull=False, due_at__gt=clock.now())
        .values_list("destination")
        .annotate(Count("pk"))
    )
    share = max(1, room // len(ready))
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for destination in ready[:room]:
        most = _most(destination, share, in_flight.get(destination.pk, 0), clock)
        if most > 0:
            found[destination.channel][destination.pk] = most
    return found


def _ready(destination: Destination, clock: DatabaseClock) -> bool:
    now = clock.now()
    if destination.waits_until and destination.waits_until > now:
        return False
    if destination.state == Destination.State.PAUSED:
        return False
    if destination.state == Destination.State.STOPPED or destination.open_seconds is not None:
        return destination.probe_at is not None and destination.probe_at <= now
    return True


def _most(destination: Destination, share: int, in_flight: int, clock: DatabaseClock) -> int:
    channel = channels()[destination.channel]
    if destination.state == Destination.State.STOPPED or destination.open_seconds is not None:
        return 1 if in_flight == 0 and _took_probe(destination, clock, channel.lease_seconds) else 0
    batch = channel.batch_size(destination)
    most = min(share, destination.concurrency) * batch - in_flight
    rate = destination.rate_limit_per_second
    if rate and most > 0:
        most = min(most, max(1, int(rate * BURST_SECONDS)))
        Destination.objects.filter(pk=destination.pk).update(waits_until=clock.now(most / rate))
    return most


def _took_probe(destination: Destination, clock: DatabaseClock, lease_seconds: float) -> bool:
    """One worker wins the half-open probe; should it die, the next probe comes after its lease."""
    taken = Destination.objects.filter(pk=destination.pk, probe_at=destination.probe_at).update(
        probe_at=clock.now() + timedelta(seconds=lease_seconds)
    )
    return taken == 1
