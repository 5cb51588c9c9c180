"""Sampled comparison: read stored orders of migrating tenants from their own system, only to compare them.

It passes over all orders in the order of their ids again and again, ``Tenant.compared_per_minute`` each minute. A
process that takes the next orders advances ``due_at`` under the row's lock, so the rate does not depend on the number
of schedulers. When the service cannot be used (breaker, credentials, 429), it pauses and continues at the same order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from orders.database.clock import DatabaseClock
from orders.inbox.sources import own_system
from orders.integrations.periodic import each
from orders.models import ComparisonSweep, Order, Tenant
from orders.values.problems import ExternalContract, Problem

PAUSE_SECONDS = 60.0
"""Pause after a failed read: about as long as a breaker stays open, so that this work is seldom its probe."""
TURN_SECONDS = 5.0
"""A slow service must not delay other periodic work; the next turn continues."""
TURNS_A_MINUTE = 60
"""The sweep runs every second (settings.CELERY_BEAT_SCHEDULE)."""

Place = tuple[str, str]
"""(business unit, order id)"""


@dataclass(frozen=True, slots=True)
class Turn:
    """The orders that one process has taken. ``until`` is when the next ones may be taken."""

    places: Sequence[Place]
    after: Place
    """The place before the first of them."""
    until: datetime


class Sampling:
    """Periodic work (orders.tasks)."""

    def due(self) -> bool:
        return _due().exists()

    def run(self) -> None:
        each(_due(), compare_some)


def compare_some(tenant: Tenant) -> int:
    """Compare the next orders of a tenant if they are due; returns how many were read."""
    turn = _take(tenant)
    if turn is None:
        return 0
    began, last = time.monotonic(), turn.after
    for number, place in enumerate(turn.places):
        if number and time.monotonic() - began > TURN_SECONDS:
            _give_back(tenant, turn, after=last, until=turn.until, because="")
            return number
        try:
            own_system().compare(tenant, *place)
        except ExternalContract:  # recorded as contract drift; the next order may be valid
            pass
        except Problem as problem:
            _give_back(tenant, turn, after=last, until=DatabaseClock().now(_pause(problem)), because=problem.detail)
            return number
        last = place
    return len(turn.places)


def _due() -> QuerySet[Tenant]:
    now = DatabaseClock.recent().now()
    waiting = Q(comparison_sweep__isnull=True) | Q(comparison_sweep__due_at__lte=now)
    return Tenant.objects.filter(waiting, active=True, mode=Tenant.Mode.MIGRATING, compared_per_minute__gt=0)


@transaction.atomic
def _take(tenant: Tenant) -> Turn | None:
    """Take the next orders and set the time of the next turn; None when another process has the row, or no order."""
    now = DatabaseClock().now()
    ComparisonSweep.objects.get_or_create(tenant=tenant, defaults={"due_at": now})
    free = ComparisonSweep.objects.select_for_update(skip_locked=True)
    row = free.filter(tenant=tenant, due_at__lte=now).first()
    if row is None:
        return None
    wanted = math.ceil(tenant.compared_per_minute / TURNS_A_MINUTE)
    after = (row.after_unit, row.after_order)
    places = next_places(tenant, after=after, most=wanted)
    if len(places) < wanted and after != ("", ""):
        places += [
            place for place in next_places(tenant, after=("", ""), most=wanted - len(places)) if place not in places
        ]
        row.rounds += 1
    row.due_at = now + timedelta(seconds=max(len(places), 1) * 60 / tenant.compared_per_minute)
    row.after_unit, row.after_order = places[-1] if places else ("", "")
    row.compared += len(places)
    row.paused_because = ""
    row.save(update_fields=["after_unit", "after_order", "due_at", "rounds", "compared", "paused_because"])
    return Turn(places, after, row.due_at) if places else None


def next_places(tenant: Tenant, *, after: Place, most: int) -> list[Place]:
    """The next stored orders of the tenant, by an index that begins with tenant and business unit."""
    unit, order = after
    orders = Order.objects.filter(tenant=tenant).order_by("business_unit_id", "customer_order_id")
    rows = orders.values_list("business_unit_id", "customer_order_id")
    same = list(rows.filter(business_unit_id=unit, customer_order_id__gt=order)[:most]) if unit else []
    return same + list(rows.filter(business_unit_id__gt=unit)[: most - len(same)])


def _give_back(tenant: Tenant, turn: Turn, *, after: Place, until: datetime, because: str) -> None:
    """Continue after ``after`` next time, unless another process has taken orders since."""
    left = len(turn.places) - (turn.places.index(after) + 1 if after in turn.places else 0)
    ComparisonSweep.objects.filter(tenant=tenant, due_at=turn.until).update(
        after_unit=after[0],
        after_order=after[1],
        due_at=max(turn.until, until),
        compared=F("compared") - left,
        paused_because=because[:300],
    )


def _pause(problem: Problem) -> float:
    asked = problem.headers.get("Retry-After", "")
    return max(PAUSE_SECONDS, float(asked) if asked.isdigit() else 0.0)
