"""Send limits: how much may go to each destination now, by health, concurrency, rate and fair shares."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db.models import Count, F, OuterRef, QuerySet, Subquery

from orders.database.clock import DatabaseClock
from orders.integrations import channels
from orders.models import Destination, Lane
from orders.outbox.destination_health import recovery_allows
from orders.queueing.claims import LANES, LEASE_SECONDS, due_groups

BURST_SECONDS = 1.0
"""A rate-limited destination gets at most the requests of this many seconds at once."""
_served: dict[int, float] = {}
"""When this process last claimed for each destination id, by its monotonic clock."""


def free_slots(room: int, *, most: int) -> Mapping[Destination, int]:
    """How many lane heads to claim per destination, for at most ``room`` partner requests in all.

    Destinations with the least under way come first, then those served longest ago, then those with the oldest due
    lane; none gets more than its share of ``most``, the requests that a dispatcher claims in all. Locks the
    destinations until the caller's transaction ends, in which it claims; skips those that another dispatcher has
    locked.
    """
    groups = due_groups(LANES)
    if not groups:
        return {}
    clock = DatabaseClock.recent()
    ready = [destination for destination in _locked_destinations(groups) if _ready(destination, clock)]
    if not ready:
        return {}
    in_flight = _in_flight(ready, clock)
    share = max(1, most // len(ready))
    found: dict[Destination, int] = {}
    for destination in sorted(ready, key=lambda one: (in_flight.get(one.pk, 0), _served.get(one.pk, 0.0))):
        batch = channels()[destination.channel].batch_size(destination)
        under_way = in_flight.get(destination.pk, 0)
        wanted = _slots(destination, min(share * batch, under_way + room * batch), under_way, clock)
        if wanted > 0:
            found[destination] = wanted
            _served[destination.pk] = time.monotonic()
            room -= -(-wanted // batch)
        if room <= 0:
            break
    return found


def _locked_destinations(groups: Sequence[int]) -> QuerySet[Destination]:
    """Lock and return the active destinations that no other dispatcher has locked, the oldest due first."""
    due = Lane.objects.filter(destination=OuterRef("pk"), due_at__isnull=False).order_by("due_at")
    free = Destination.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    active = free.select_related("tenant").filter(pk__in=groups, active=True, tenant__active=True)
    return active.order_by(Subquery(due.values("due_at")[:1]))


def _in_flight(destinations: Sequence[Destination], clock: DatabaseClock) -> dict[int, int]:
    """Leased lanes of all dispatchers, by destination id."""
    leased = Lane.objects.filter(destination__in=destinations, lease__isnull=False, due_at__gt=clock.now())
    return dict(leased.values_list("destination").annotate(Count("pk")).order_by())


def _ready(destination: Destination, clock: DatabaseClock) -> bool:
    now = clock.now()
    if destination.waits_until and destination.waits_until > now:
        return False
    if destination.state == Destination.State.PAUSED:
        return False
    if destination.state == Destination.State.STOPPED or destination.open_seconds is not None:
        return destination.probe_at is not None and destination.probe_at <= now
    return True


def _slots(destination: Destination, share: int, in_flight: int, clock: DatabaseClock) -> int:
    """Lane heads to claim now. ``share``: deliveries that may be under way, before its concurrency is applied."""
    if destination.state == Destination.State.STOPPED or destination.open_seconds is not None:
        return 1 if in_flight == 0 and _took_probe(destination, clock) else 0
    most = min(share, destination.concurrency * channels()[destination.channel].batch_size(destination)) - in_flight
    allowed = recovery_allows(destination, clock)
    if allowed is not None:
        most = min(most, allowed)
        sent = F("recovery_sent") + max(0, most)
        Destination.objects.filter(pk=destination.pk).update(recovery_sent=sent)
    rate = destination.rate_limit_per_second
    if rate and most > 0:
        most = min(most, max(1, int(rate * BURST_SECONDS)))
        Destination.objects.filter(pk=destination.pk).update(waits_until=clock.now(most / rate))
    return most


def _took_probe(destination: Destination, clock: DatabaseClock) -> bool:
    """Whether this worker may make the probe: one wins; if it dies, the next probe is due after its lease."""
    taken = Destination.objects.filter(pk=destination.pk, probe_at=destination.probe_at).update(
        probe_at=clock.now() + timedelta(seconds=LEASE_SECONDS)
    )
    return taken == 1
