"""Update one stored row from the file, with its history and its lines in the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import models

from orders.access.clients import SavedClient
from orders.integrations.onboarding_report import Report
from orders.models import Destination, Tenant

Values = Mapping[str, Any]


def update_row(row: models.Model, what: str, values: Values | Callable[[Any], Values], report: Report) -> bool:
    """Assign ``values``, save if they differ, and report it. Returns whether the row was created or changed.

    Needs a transaction. An unsaved row is created. Of a stored row, only changed columns are written, and differences
    are computed after the row was locked and read again, because other processes write other columns of it. Values that
    depend on such columns are given as a function of the row. ``values`` hold no secrets.
    """
    created = row._state.adding
    changed = _differences(row, values)
    if changed and not created:
        if isinstance(row, Tenant | Destination):
            hold_rows(type(row), report)
        rows = type(row)._default_manager.select_for_update(no_key=True)
        row.refresh_from_db(from_queryset=rows)
        changed = _differences(row, values)
    for name, (_, new) in changed.items():
        setattr(row, name, new)
    if created:
        report.created(what)
    for name, (old, new) in () if created else changed.items():
        report.changed(what, name, old, new)
    if created or changed:
        row._change_reason = report.note[:100]  # type: ignore[attr-defined]  # read by simple_history
        row.save(update_fields=None if created else [*changed, *touched_columns(row)])
    return bool(created or changed)


def hold_rows(model: type[Tenant | Destination], report: Report) -> None:
    """Lock the tenants of the file, or these and their destinations, once and in the order of docs/design/locks.md.
    Called before the first of them is written.
    """
    for each in (Tenant, Destination) if model is Destination else (Tenant,):
        if each not in report.locked:
            report.locked.add(each)
            rows = each._default_manager.select_for_update(of=("self",), no_key=True).order_by("pk")
            wanted = {"slug__in": report.tenants} if each is Tenant else {"tenant__slug__in": report.tenants}
            list(rows.filter(**wanted).values_list("pk"))


def _differences(row: models.Model, values: Values | Callable[[Any], Values]) -> dict[str, tuple[Any, Any]]:
    wanted = values(row) if callable(values) else values
    return {name: (getattr(row, name), new) for name, new in wanted.items() if getattr(row, name) != new}


def touched_columns(row: models.Model) -> list[str]:
    """Columns with the time of the last change; Django sets them when they are among ``update_fields``."""
    return [field.name for field in row._meta.concrete_fields if getattr(field, "auto_now", False)]


def report_client(saved: SavedClient, report: Report) -> None:
    """Report what ``save_client`` did, and note the person in the client's history."""
    what = f"API client {saved.client.client_id}"
    if saved.created:
        report.created(what)
    for member, (old, new) in () if saved.created else saved.changed.items():
        report.changed(what, member, old, new)
    if saved.made_secret is not None:
        report.made_secret(what, "client_secret", saved.made_secret)
    if saved.created or saved.changed:
        newest = saved.client.history.latest()
        newest.history_change_reason = report.note[:100]
        newest.save(update_fields=["history_change_reason"])
    else:
        report.unchanged(what)
