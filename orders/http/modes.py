"""Which addresses answer in which mode (docs/reference/api.md#modes). One table, which only the 405 rule reads."""

from __future__ import annotations

import re

from orders.models import Tenant
from orders.values.problems import ProxyMode

_UNIT = r"/api/v1/business-units/[^/]+/"
_EVENT = r"/api/v1/order-events/[^/:]+?"
_VERB = ":(?:preview|retry|discard)"
_READS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_UNIT + r"customer-orders/[^/]+", ("GET", "HEAD")),
    (_UNIT + "customer-orders:search", ("POST",)),
    (r"/api/v1/proxy-config", ("GET", "HEAD", "PUT")),
    (r"/api/v1/proxy-config/drift", ("GET", "HEAD")),
    (r"/api/v1/order-events", ("GET", "HEAD")),
    (_EVENT + _VERB, ()),
    (_EVENT, ("GET", "HEAD")),
)
_MIGRATING: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_UNIT + r"customer-orders/[^/]+", ("GET", "HEAD", "PUT")),
    ("/api/v1/customer-orders:load", ("POST",)),
    (r"/api/v1/migration/orders", ("POST",)),
    (_EVENT + _VERB, ("POST",)),
    (r"/api/v1/orderflow-channels/[^/]+/products/[^/]+", ("GET", "HEAD", "PUT")),
    *_READS[1:],
)


def _compiled(
    table: tuple[tuple[str, tuple[str, ...]], ...],
) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(pattern), methods) for pattern, methods in table)


_ANSWERING = {Tenant.Mode.PROXY.value: _compiled(_READS), Tenant.Mode.MIGRATING.value: _compiled(_MIGRATING)}
_ONLY_THEN = {
    Tenant.Mode.PROXY.value: "in proxy mode the hub only reads the orders of your own order management system",
    Tenant.Mode.MIGRATING.value: "while the tenant is migrating only reads, loading, events and products answer",
}


def check_mode(tenant: Tenant, path: str, method: str) -> None:
    """Raises ProxyMode (405 with ``Allow``) for what does not answer in the tenant's mode, whatever the scope."""
    table = _ANSWERING.get(tenant.mode)
    if table is None or not path.startswith("/api/v1/"):
        return
    allowed = next((methods for pattern, methods in table if pattern.fullmatch(path)), ())
    if method not in allowed:
        detail = f"{method} is not available here: {_ONLY_THEN[tenant.mode]}."
        raise ProxyMode(detail, headers={"Allow": ", ".join(allowed)})
