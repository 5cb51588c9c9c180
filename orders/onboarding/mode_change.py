"""Changing a tenant's mode, from the admin's form, the onboarding file or the cut-over.

New requests see it when their token is looked up again (orders.access.bearer_tokens, 2 s), workers with the next batch.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from orders.database.clock import DatabaseClock
from orders.models import OperatorAction, Tenant

MODE = Tenant.Mode


def telling_after(tenant: Tenant, *, before: str, now: datetime) -> datetime | None:
    """What ``tells_from`` must be once the tenant's mode is no more ``before``; ``tenant`` has the new mode.

    Beginning to migrate tells nobody, until ops choose a moment. The end of it, by cut-over or by giving up, is the
    moment from which new orders are told, so that events of the backfill that are applied later still tell nobody.
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
    """Give the tenant another mode, recorded with who and why; returns it as stored. Serialized per tenant.

    The mode must be possible: proxy and migrating want an external URL (a constraint of the table).
    """
    stored = Tenant.objects.select_for_update().get(pk=tenant.pk)
    before, stored.mode = stored.mode, mode
    if before == mode:
        return stored
    stored.tells_from = telling_after(stored, before=before, now=DatabaseClock().now())
    stored._change_reason = f"{who}: {reason}"[:100]  # type: ignore[attr-defined]  # read by simple_history
    stored.save(update_fields=["mode", "tells_from", "updated_at"])
    _note(stored, who=who, action="switch mode", reason=reason, outcome=f"{before} to {mode}")
    return stored


@transaction.atomic
def tell_from(tenant: Tenant, moment: datetime | None, *, who: str, reason: str = "") -> Tenant:
    """Let suppliers and warehouses be told of orders first received from ``moment`` on; None while migrating: nobody.

    Orders that are stored by now keep what they are: known before or not.
    """
    stored = Tenant.objects.select_for_update().get(pk=tenant.pk)
    stored.tells_from = moment
    stored._change_reason = f"{who}: {reason}"[:100]  # type: ignore[attr-defined]  # read by simple_history
    stored.save(update_fields=["tells_from", "updated_at"])
    said = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "nobody is told"
    _note(stored, who=who, action="tell from", reason=reason, outcome=said[:40])
    return stored


def _note(tenant: Tenant, *, who: str, action: str, reason: str, outcome: str) -> None:
    OperatorAction.objects.create(
        tenant=tenant, who=who, action=action, subject=f"tenant:{tenant.pk}", reason=reason, outcome=outcome
    )
