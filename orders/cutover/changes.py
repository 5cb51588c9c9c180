"""What a cut-over and the return would change, as sentences for the page that asks for confirmation."""

from __future__ import annotations

from collections.abc import Iterator

from orders.cutover.progress import Progress
from orders.cutover.switch import EFFECT_SECONDS
from orders.models import Order, Tenant
from orders.onboarding.switching import Waiting, waiting

NAMED = 3
"""Destinations named; further ones are only counted."""


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
    yield f"Notified of orders first received from then on: {_notified_names(tenant)}."
    yield f"Nobody is notified of the {before:,} orders known before, or of their changes, until you release them here."
    yield from _pending_work(tenant)
    yield f"Every process answers in the new mode within {EFFECT_SECONDS} s; until then it may answer in the old mode."
    yield f"It can be taken back with one click, again within {EFFECT_SECONDS} s."


def _going_back(tenant: Tenant, to: str) -> Iterator[str]:
    yield f"Reads and searches are answered by its own system again, by every process within {EFFECT_SECONDS} s."
    if to == Tenant.Mode.MIGRATING:
        yield "Orders that it sends are still accepted and stored, and compared with what it answers."
        yield "Suppliers and warehouses that are notified of new orders stay notified; only reads change."
    else:
        yield "Orders that it sends are refused (405), so the stored copies grow old; to cut over again, migrate first."
        yield "So the hub notifies nobody of new orders: its own system must do that again."
    yield "Nothing that was received is lost: it stays stored, and pending events are applied."
    yield "Pending deliveries to suppliers and warehouses are sent; what they have received is not taken back."
    yield from _pending_work(tenant)


def _notified_names(tenant: Tenant) -> str:
    names = [str(one.name) for one in tenant.destinations.filter(active=True).order_by("name")]
    rest = len(names) - NAMED
    return (", ".join(names[:NAMED]) or "nobody") + (f" and {rest} more" if rest > 0 else "")


def _pending_work(tenant: Tenant) -> Iterator[str]:
    pending = waiting(tenant)
    if pending != Waiting(0, 0):
        yield f"Pending now: {pending}; this work goes on."
