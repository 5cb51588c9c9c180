"""Claim lane heads: lease the lanes that may send now, and read what each of them has to send.

All of it is one transaction. An error leaves nothing leased, and until it commits nobody else has these lanes: what is
superseded here is being sent by nobody, and a lane that is closed here gets no new delivery meanwhile.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from orders.database.lock_errors import limit_lock_waits
from orders.models import Delivery, Destination, Lane
from orders.outbox.deliveries import supersede_overtaken
from orders.outbox.send_limits import free_slots
from orders.queueing.claims import LANES, LEASE_SECONDS, claim


@dataclass(frozen=True, slots=True)
class ClaimedHeads:
    """Lane heads of one destination, and the lease of their lanes."""

    destination: Destination
    lease: uuid.UUID
    heads: Sequence[Delivery]
    at: float
    """Before the lease began, by the monotonic clock: it ends no earlier than LEASE_SECONDS later."""


@transaction.atomic
def claim_heads(room: int, *, most: int) -> list[ClaimedHeads]:
    """Lease due lanes for at most ``room`` partner requests, within the limits of their destinations, which it locks.

    Supersedes what was overtaken while a lost dispatcher had it, and closes lanes that have nothing to send.
    """
    at = time.monotonic()
    limit_lock_waits()
    allowed = free_slots(room, most=most)
    leases = _lease(allowed.items())
    if not leases:
        return []
    supersede_overtaken(list(leases))
    heads = _heads(leases)
    _close(leases.keys() - {head.lane_id for head in heads})
    of: dict[int, list[Delivery]] = defaultdict(list)
    for head in heads:
        of[head.destination_id].append(head)
    destinations = {destination.pk: destination for destination in allowed}
    return [ClaimedHeads(destinations[pk], leases[line[0].lane_id], line, at) for pk, line in of.items()]


def _lease(allowed: Iterable[tuple[Destination, int]]) -> dict[int, uuid.UUID]:
    """The lease of each claimed lane by the lane's id; one lease for all lanes of a channel."""
    by_channel: dict[str, dict[int, int]] = defaultdict(dict)
    for destination, most in allowed:
        by_channel[destination.channel][destination.pk] = most
    leases: dict[int, uuid.UUID] = {}
    for limits in by_channel.values():
        lease, lanes = claim(LANES, limits, lease_seconds=LEASE_SECONDS)
        leases.update(dict.fromkeys(lanes, lease))
    return leases


def _heads(lane_ids: Collection[int]) -> list[Delivery]:
    """The first pending delivery of each lane, with the lane as it was claimed, the oldest delivery first."""
    first: dict[int, Delivery] = {}
    pending = Delivery.objects.filter(lane__in=lane_ids, status=Delivery.Status.PENDING).select_related("lane")
    for delivery in pending.order_by("lane_id", "-position"):
        first[delivery.lane_id] = delivery
    return sorted(first.values(), key=lambda delivery: delivery.pk)


def _close(lane_ids: Collection[int]) -> None:
    """Close lanes that have nothing pending. Nothing can be added to them: ``add_deliveries`` waits for their locks."""
    if lane_ids:
        done = {"lease": None, "losses": 0, "due_at": None, "done_position": F("last_position")}
        Lane.objects.filter(pk__in=lane_ids).update(**done)
