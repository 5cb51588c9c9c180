"""What a switch of a tenant's mode means for reading through (orders.onboarding.switching)."""

from __future__ import annotations

from collections.abc import Iterator

from orders.models import Tenant
from orders.onboarding.switching import Note
from proxy.models import ProxyConfig


def notes(tenant: Tenant, mode: str) -> Iterator[Note]:
    stored = ProxyConfig.objects.filter(tenant=tenant).exists()
    if mode == Tenant.Mode.EVENTS and stored:
        yield Note("The credentials of the order service are kept, and not used.")
    if mode != Tenant.Mode.EVENTS and not stored:
        yield Note(
            "No credentials of the order service are stored: reads fail until they are entered on the onboarding page "
            "or the tenant sets them (PUT /api/v1/proxy-config)."
        )
