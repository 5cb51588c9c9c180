"""Whom a change is told to while a tenant moves, and after: the one rule, of times in the rows and nothing else.

``Tenant.tells_from`` is the moment from which suppliers and warehouses are told; while migrating its absence means
that nobody is. An order first received before it is *known before*: its own system's partners know of it already.
The time of reception decides, not of applying, so that an event applied late, or retried by hand after the cut-over,
is judged as it would have been at once.
"""

from __future__ import annotations

from datetime import datetime

from orders.models import Tenant

KNOWN_BEFORE = "it was known before the cut-over"
MIGRATING = "the tenant is migrating; nobody is told"


def is_known_before(tenant: Tenant, *, first_received_at: datetime) -> bool:
    """Whether an order that is stored now for the first time was first received while nobody was told."""
    if tenant.tells_from is None:
        return tenant.mode == Tenant.Mode.MIGRATING
    return first_received_at < tenant.tells_from


def not_notified_because(tenant: Tenant, *, received_at: datetime, known_before: bool) -> str:
    """Why a change owes nothing to anybody; empty where the channels are asked."""
    if known_before:
        return KNOWN_BEFORE
    if tenant.mode != Tenant.Mode.MIGRATING:
        return ""
    tells = tenant.tells_from is not None and received_at >= tenant.tells_from
    return "" if tells else MIGRATING
