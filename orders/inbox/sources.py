"""Where the orders of a tenant are read: here, or in its own system. A view asks the source and never the mode."""

from __future__ import annotations

from functools import cache

from orders.inbox.stored_orders import StoredOrders
from orders.integrations import integrations
from orders.integrations.sources import OrderSource, OwnSystem
from orders.models import Tenant


def source_for(tenant: Tenant) -> OrderSource:
    """The source of the tenant's present mode (migrating tenants read from their own system, which stays the truth)."""
    return _STORED if tenant.mode == Tenant.Mode.EVENTS else own_system()


@cache
def own_system() -> OwnSystem:
    """How a tenant's own order service is read. Raises LookupError where no integration does it."""
    for one in integrations():
        if system := one.own_system():
            return system
    raise LookupError("no class of settings.INTEGRATIONS has an own_system()")


_STORED = StoredOrders()
