"""Change a tenant's mode, for the admin's form, the onboarding file and the cut-over.

Requests see the change when their token is looked up again (orders.access.bearer_tokens, 2 s), workers with the next
batch.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from orders.database.clock import DatabaseClock
from orders.models import OperatorAction, Tenant

MODE = Tenant.Mode


def notify_from_after_switch(tenant: Tenant, *, before: str, now: datetime) -> datetime | None:
    """The value of ``tells_from`` after a change of mode; ``tenant`` has the new mode, ``before`` is the old one.

    While migrating nobody is notified until an operator chooses a moment. When migrating ends, by cut-over or by giving
    up, new orders are notified from that moment on, so events of the backfill that are applied later notify nobody.
    """
    if before == tenant.mode:
        return tenant.tells_from
    if tenant.mode == MODE.MIGRATING:
        return None
    if before == MODE.MIGRATING:
        return now if tenant.tells_from is None else min(tenant.tells_from, now)
    return tenant.tells_from


@transaction.atomic
def switch_mode(tenant: Tenant, mode: str, *, who: str, reason: str = "") -> Tenant:
    """Store another mode under the tenant's lock, recorded with person and reason; returns the stored tenant.

    Proxy and migrating mode need an external URL, which a constraint of the table checks.
    """
    stored = Tenant.objects.select_for_update().get(pk=tenant.pk)
    before, stored.mode = stored.mode, mode
    if before == mode:
        return stored
    stored.tells_from = notify_from_after_switch(stored, before=before, now=DatabaseClock().now())
    stored._change_reason = f"{who}: {reason}"[:100]  # type: ignore[attr-defined]  # read by simple_history
    stored.save(update_fields=["mode", "tells_from", "updated_at"])
    _note(stored, who=who, action="switch mode", reason=reason, outcome=f"{before} to {mode}")
    return stored


@transaction.atomic
def set_notify_from(tenant: Tenant, moment: datetime | None, *, who: str, reason: str = "") -> Tenant:
    """Notify suppliers and warehouses of orders first received from ``moment`` on; None while migrating: of none.

    Does not change ``known_before`` of orders that are stored already.
    """
    stored = Tenant.objects.select_for_update().get(pk=tenant.pk)
    stored.tells_from = moment
    stored._change_reason = f"{who}: {reason}"[:100]  # type: ignore[attr-defined]  # read by simple_history
    stored.save(update_fields=["tells_from", "updated_at"])
    said = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "nobody is notified"
    _note(stored, who=who, action="notify from", reason=reason, outcome=said[:40])
    return stored


def _note(tenant: Tenant, *, who: str, action: str, reason: str, outcome: str) -> None:
    OperatorAction.objects.create(
        tenant=tenant, who=who, action=action, subject=f"tenant:{tenant.pk}", reason=reason, outcome=outcome
    )
