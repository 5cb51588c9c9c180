"""The cut-over to events mode and the return; both under the tenant's row lock, recorded with person and reason.

Web processes cache a caller's tenant for 2 s (orders.access.bearer_tokens), workers read it with every batch: a request
EFFECT_SECONDS after the switch is answered in the new mode by every process. Nothing received is lost in either
direction: events and deliveries are rows, whatever the mode.

CutOverRefused   nothing was changed; the text says why, ``lines`` are the open checks
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction

from orders.cutover import ledger_hours
from orders.cutover.checklist import Checklist, ChecklistItem, checklist
from orders.models import OperatorAction, Tenant
from orders.onboarding import switching
from orders.onboarding.mode_change import set_notify_from, switch_mode
from orders.queueing.wake_ups import wake_inbound, wake_outbound

EFFECT_SECONDS = 5
"""Changes of a tenant take effect within 5 s in all processes (docs/reference/api.md#tokens)."""
MODE = Tenant.Mode
NO_REASON = "returned by hand; no reason was written"


class CutOverRefused(Exception):
    """The tenant stays in its mode."""

    def __init__(self, words: str, lines: Sequence[ChecklistItem] = ()) -> None:
        super().__init__(words)
        self.lines = lines


def cut_over(tenant: Tenant, *, who: str, reason: str, overriding: Collection[str] = ()) -> Tenant:
    """Switch a migrating tenant to events mode; ``overriding`` are keys of open checks that a person overrides.

    The checklist is evaluated again under the lock and stored with the reason. Raises CutOverRefused.
    """
    with transaction.atomic():
        stored = Tenant.objects.select_for_update().get(pk=tenant.pk)
        if stored.mode != MODE.MIGRATING:
            raise CutOverRefused(f"{stored} is in {stored.mode} mode; only a migrating tenant is cut over.")
        seen = checklist(stored)
        overridden = _check(seen, reason=reason, overriding=overriding)
        ledger_hours.count(stored)
        switched = switch_mode(stored, MODE.EVENTS, who=who, reason=reason)
        _record(switched, seen, overridden, who=who, reason=reason)
    wake_inbound()
    wake_outbound()
    return switched


def go_back(tenant: Tenant, *, to: str, who: str, reason: str = "") -> Tenant:
    """Let the tenant's own system answer reads again, in proxy or migrating mode. Raises CutOverRefused.

    Back in migrating mode notifications go on and only reads change; otherwise nobody would be notified of an order
    that was received in events mode and is still pending.
    """
    if to not in (MODE.PROXY, MODE.MIGRATING):
        raise CutOverRefused("Choose where to: proxy or migrating.")
    if tenant.mode == MODE.PROXY:
        raise CutOverRefused(f"{tenant} is in proxy mode; there is nothing to take back.")
    why = reason.strip() or NO_REASON
    try:
        with transaction.atomic():
            since = Tenant.objects.select_for_update().get(pk=tenant.pk).tells_from or tenant.created_at
            back = switching.switch_mode(tenant, to, who=who, reason=why)
            return set_notify_from(back, since, who=who, reason=why) if to == MODE.MIGRATING else back
    except switching.SwitchRefused as refused:
        raise CutOverRefused(str(refused)) from None


def _check(seen: Checklist, *, reason: str, overriding: Collection[str]) -> list[ChecklistItem]:
    """The open checks that are overridden. Raises CutOverRefused."""
    overridden = [line for line in seen.open if line.overridable and line.key in overriding]
    left = [line for line in seen.open if line not in overridden]
    if left:
        raise CutOverRefused("The checklist is not all ok; nothing was changed.", left)
    if not reason.strip():
        raise CutOverRefused("Write a reason first; it is kept with the checklist. Nothing was changed.")
    return overridden


def _record(tenant: Tenant, seen: Checklist, overridden: Sequence[ChecklistItem], *, who: str, reason: str) -> None:
    kept = [reason, "The checklist then:", *map(str, seen.lines)]
    kept += [f"Overridden: {line.what}" for line in overridden]
    OperatorAction.objects.create(
        tenant=tenant,
        who=who,
        action="cut over",
        subject=f"tenant:{tenant.pk}",
        reason="\n".join(kept),
        outcome=f"{len(overridden)} overridden" if overridden else "all ok",
    )
