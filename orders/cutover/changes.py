"""What a cut-over, and the way back, would change: said before anybody presses."""

from __future__ import annotations

from collections.abc import Iterator

from orders.cutover.progress import Progress
from orders.cutover.switch import EFFECT_SECONDS
from orders.models import Order, Tenant
from orders.onboarding.switching import (
    Waiting,
    waiting,
)

NAMED = 3
"""Destinations named before the rest is counted."""


def cutting_over(tenant: Tenant, seen: Progress) -> list[str]:
    return list(_cutting_over(tenant, seen))


def going_back(tenant: Tenant, to: str) -> list[str]:
    return list(_going_back(tenant, to))


def _cutting_over(tenant: Tenant, seen: Progress) -> Iterator[str]:
    stored = Order.objects.filter(tenant=tenant)
    before = stored.filter(known_before=True).count()
    yield f"Reads and searches are answered from the {stored.count():,} orders stored here; its system is not asked."
    if seen.missing:
        yield f"The {seen.missing:,} orders that were never received become unknown (404)."
    yield f"Told of orders first received from then on: {_told(tenant)}."
    yield f"The {before:,} orders known before stay untold, also when they change, until they are released here."
    yield from _owed(tenant)
    yield f"Every process answers so within {EFFECT_SECONDS} s; what is asked meanwhile is answered the old way."
    yield f"It can be taken back with one click, again within {EFFECT_SECONDS} s."


def _going_back(tenant: Tenant, to: str) -> Iterator[str]:
    yield f"Reads and searches are answered by its own system again, by every process within {EFFECT_SECONDS} s."
    if to == Tenant.Mode.MIGRATING:
        yield "Orders that it sends are still taken and stored, and compared with what it answers."
        yield "Whoever is told of new orders now goes on being told of them; only reads change."
    else:
        yield "Orders that it sends are refused (405), so the stored copies grow old; to cut over again, migrate first."
        yield "So nobody is told of new orders by the hub: its own system must tell them again."
    yield "Nothing that was received is lost: it stays stored, and what waits is applied."
    yield "What suppliers and warehouses are owed by now stays owed and is sent; what they were told is not taken back."
    yield from _owed(tenant)


def _told(tenant: Tenant) -> str:
    names = [str(one.name) for one in tenant.destinations.filter(active=True).order_by("name")]
    rest = len(names) - NAMED
    return (", ".join(names[:NAMED]) or "nobody") + (f" and {rest} more" if rest > 0 else "")


def _owed(tenant: Tenant) -> Iterator[str]:
    owed = waiting(tenant)
    if owed != Waiting(0, 0):
        yield f"Just now {owed} wait; they go on."
