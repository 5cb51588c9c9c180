"""Where a tenant's orders are read: in the hub, or in its own system. Views ask for a source, never for the mode."""

from __future__ import annotations

from functools import cache

from orders.inbox.stored_orders import StoredOrders
from orders.integrations import integrations
from orders.integrations.sources import OrderSource, OwnSystem
from orders.models import Tenant


def source_for(tenant: Tenant) -> OrderSource:
    """The source for the tenant's mode; a migrating tenant is still read from its own system."""
    return _STORED if tenant.mode == Tenant.Mode.EVENTS else own_system()


@cache
def own_system() -> OwnSystem:
    """The reader of tenants' own order services. Raises LookupError when no integration has one."""
    for one in integrations():
        if system := one.own_system():
            return system
    raise LookupError("no class of settings.INTEGRATIONS has an own_system()")


_STORED = StoredOrders()
