"""The notification rule of a migrating tenant: whether a change is sent to suppliers and warehouses.

``Tenant.tells_from`` is the moment from which suppliers and warehouses are notified; while a tenant migrates without
it, nobody is. An order first received before that moment is *known before*: the tenant's own system has notified its
partners. The time of reception decides, not the time of applying, so an event that is applied late, or retried by hand
after the cut-over, gets the same answer as at first.
"""

from __future__ import annotations

from datetime import datetime

from orders.models import Tenant

KNOWN_BEFORE = "it was known before the cut-over"
MIGRATING = "the tenant is migrating"


def is_known_before(tenant: Tenant, *, first_received_at: datetime) -> bool:
    """Whether an order that is now stored for the first time was first received while nobody was notified."""
    if tenant.tells_from is None:
        return tenant.mode == Tenant.Mode.MIGRATING
    return first_received_at < tenant.tells_from


def not_notified_because(tenant: Tenant, *, received_at: datetime, known_before: bool) -> str:
    """Why nobody is notified of a change; empty when the channels decide."""
    if known_before:
        return KNOWN_BEFORE
    if tenant.mode != Tenant.Mode.MIGRATING:
        return ""
    notifies = tenant.tells_from is not None and received_at >= tenant.tells_from
    return "" if notifies else MIGRATING
