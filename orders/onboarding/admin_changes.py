"""Changes from admin forms, stored by the services that the onboarding file uses.

Each is one transaction, serialised with files and other forms. Raises FileRefused with the faults.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from orders.access.clients import ClientEntry, ClientRefused, SavedClient, save_client
from orders.integrations import integrations
from orders.integrations.onboarding_faults import FileFault, FileRefused
from orders.integrations.onboarding_report import Report
from orders.models import ApiClient, Retention, Tenant
from orders.onboarding.files import Agree, apply_keys, one_at_a_time, unasked
from orders.onboarding.mode_change import set_notify_from
from orders.onboarding.rows import report_client, update_row

KEYS = (
    "name", "country", "time_zone", "external_url", "proxy_timeout_seconds", "status_map", "unknown_members",
    "case_type", "event_retry_schedule", "not_fetched_after_minutes",
)  # fmt: skip
"""Fields of the tenant's form that the onboarding file has too; mode and ``active`` are switched on their own pages."""


def change_tenant(wanted: Tenant, changed: Collection[str], *, who: str, agree: Agree = unasked) -> Report:
    """Make the stored tenant what ``wanted`` (not saved) says of the ``changed`` columns."""
    keys = {name: _key(getattr(wanted, name)) for name in KEYS if name in changed}
    with one_at_a_time():
        report = apply_keys(wanted, lambda: keys, who=who)
        stored = Tenant.objects.select_for_update(no_key=True).get(pk=wanted.pk)
        if "tells_from" in changed:
            _notify_from(stored, wanted, report, who=who)
        if "compared_per_minute" in changed:
            values = {"compared_per_minute": wanted.compared_per_minute}
            update_row(stored, f"tenant {stored.slug}", values, report)
        agree(report)
    return report


def _key(value: Any) -> Any:
    return None if value == "" else value


def _notify_from(stored: Tenant, wanted: Tenant, report: Report, *, who: str) -> None:
    moment = wanted.tells_from
    if moment == stored.tells_from:
        return
    report.changed(f"tenant {stored.slug}", "tells_from", stored.tells_from, moment)
    set_notify_from(stored, moment, who=who, reason=report.note)
    if moment:
        report.effect("Suppliers and warehouses are notified only of orders received from that moment on.")
    elif stored.mode == Tenant.Mode.MIGRATING:
        report.effect("Suppliers and warehouses are notified of no order.")
    else:
        report.effect("Suppliers and warehouses are notified of every order.")


def change_client(
    tenant: Tenant, entry: ClientEntry, *, who: str, adding: bool = False, agree: Agree = unasked
) -> SavedClient:
    """Update the stored client from the entry, or add one."""
    report = Report(note=f"client page by {who}")
    with one_at_a_time():
        if adding and ApiClient.objects.filter(client_id=entry.client_id).exists():
            raise _refused("client_id", f"{entry.client_id!r} exists already; nothing was changed.")
        if entry.active:
            _refuse_switching_on(entry.client_id)
        try:
            saved = save_client(tenant, entry)
        except ClientRefused as refused:
            raise _refused("active" if not adding else "client_id", str(refused.detail)) from None
        report_client(saved, report)
        if saved.changed and not saved.client.active:
            report.effect(f"{saved.client} gets no tokens, and those that it has are refused.")
        agree(report)
    return saved


def _refuse_switching_on(client_id: str) -> None:
    client = ApiClient.objects.filter(client_id=client_id, active=False).first()
    because = [why for one in integrations() if (why := one.why_stopped(client))] if client else []
    if because:
        raise _refused("active", because[0])


def change_retention(wanted: Retention, *, who: str, agree: Agree = unasked) -> Report:
    """Set how many days of history the tenant keeps, which kept all of it where ``wanted`` is its first retention."""
    report = Report(note=f"retention page by {who}")
    with one_at_a_time():
        stored = Retention.objects.filter(tenant=wanted.tenant_id).first() or Retention(tenant=wanted.tenant)
        shorter = stored._state.adding or wanted.days < stored.days
        update_row(stored, f"retention of {stored.tenant.slug}", {"days": wanted.days}, report)
        if shorter:
            report.effect(f"What is finished for more than {wanted.days} days is removed for good within a day.")
        agree(report)
        wanted.pk = stored.pk
    return report


def _refused(field: str, because: str) -> FileRefused:
    return FileRefused("the form", [FileFault("the form", 1, (field,), because)])
