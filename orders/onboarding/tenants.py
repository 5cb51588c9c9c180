"""Apply and export the core's keys of one tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orders.access.clients import ClientEntry, ClientRefused, save_client
from orders.database.clock import DatabaseClock
from orders.integrations.onboarding_report import Report
from orders.models import ApiClient, Tenant
from orders.onboarding.fields import MASK, to_store
from orders.onboarding.mode_change import notify_from_after_switch
from orders.onboarding.model import ApiClientEntry, TenantEntry
from orders.onboarding.rows import hold_rows, report_client, update_row
from orders.onboarding.switching import mode_plan

PLAIN_KEYS = (
    "name", "active", "mode", "time_zone", "proxy_timeout_seconds", "status_map", "unknown_members", "case_type",
    "event_retry_schedule", "not_fetched_after_minutes",
)  # fmt: skip
"""Keys that are columns of the same name and meaning."""


def apply_tenant(entry: TenantEntry, report: Report) -> Tenant:
    """Store the tenant and its own API clients, in the caller's transaction."""
    tenant = Tenant.objects.filter(slug=entry.id).first() or Tenant(slug=entry.id)
    mode_read, report.read_from = tenant.mode, tenant.external_url
    what = f"tenant {entry.id}"
    before = None if tenant._state.adding else Tenant(pk=tenant.pk, slug=tenant.slug, mode=mode_read)
    was_active = tenant.active
    if not update_row(tenant, what, lambda row: _values(row, entry, mode_read, report), report):
        report.unchanged(what)
    hold_rows(Tenant, report)
    if before is not None:
        _report_effects(before, tenant, report, switched=tenant.active != was_active)
    for number, client in enumerate(entry.api_clients):
        try:
            _apply_client(tenant, client, report)
        except ClientRefused as refused:
            report.refuse("api_clients", number, because=refused.detail)
    return tenant


def _report_effects(before: Tenant, after: Tenant, report: Report, *, switched: bool) -> None:
    if switched and after.active:
        report.effect(f"{after} is switched on: its clients get tokens and its pending work goes on.")
    elif switched:
        report.effect(f"{after} is switched off: its clients get no tokens; its pending work is kept.")
    if after.mode != before.mode:
        plan = mode_plan(before, after.mode, external_url=after.external_url)
        for word, addresses in (("begins", plan.starts), ("ceases", plan.stops)):
            if addresses:
                report.effect(f"{word.capitalize()} to answer: {', '.join(addresses)}.")
        for note in plan.notes:
            report.effect(note.words)


def _values(tenant: Tenant, entry: TenantEntry, mode_read: str, report: Report) -> dict[str, Any]:
    """The columns to store. Refuses the file if the mode changed since the tenant was read: it would change it back."""
    if tenant.mode != mode_read:
        report.refuse("mode", because=f"was switched to {tenant.mode} meanwhile; look at the tenant, then apply again")
    values = {key: getattr(entry, key) for key in PLAIN_KEYS}
    values |= {"country": entry.country or "", "external_url": entry.external_url or ""}
    return values | {"tells_from": _tells_from(tenant, entry.mode)}


def _tells_from(tenant: Tenant, mode: str) -> datetime | None:
    """Not a key of the file: it follows from the change of mode."""
    meant = Tenant(mode=mode, tells_from=tenant.tells_from)
    before = mode if tenant._state.adding else tenant.mode
    return notify_from_after_switch(meant, before=before, now=DatabaseClock().now())


def _apply_client(tenant: Tenant, entry: ApiClientEntry, report: Report) -> None:
    saved = save_client(
        tenant,
        ClientEntry(
            client_id=entry.client_id,
            scopes=entry.scopes,
            client_secret=to_store(entry.client_secret),
            business_units=entry.business_units,
            public_keys=entry.public_keys,
            active=entry.active,
        ),
    )
    report_client(saved, report)


def exported_tenant(tenant: Tenant) -> dict[str, Any]:
    """The core's keys as in the file, without empty ones."""
    values = {"id": tenant.slug, **{key: getattr(tenant, key) for key in PLAIN_KEYS}}
    values |= {"country": tenant.country or None, "external_url": tenant.external_url or None}
    clients = ApiClient.objects.filter(tenant=tenant, kind=ApiClient.Kind.TENANT).order_by("pk")
    values["api_clients"] = [_exported_client(client) for client in clients]
    return {key: values[key] for key in TenantEntry.model_fields if values[key] not in (None, {}, [])}


def _exported_client(client: ApiClient) -> dict[str, Any]:
    shown = {
        "client_id": client.client_id,
        "client_secret": MASK,
        "scopes": client.scopes,
        "business_units": client.business_units,
        "public_keys": client.public_keys,
        "active": client.active,
    }
    return {key: value for key, value in shown.items() if value not in (None, [])}
