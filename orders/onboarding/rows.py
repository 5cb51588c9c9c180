"""Bringing one stored row to what the file says, with its history and its lines in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models

from orders.access.clients import SavedClient
from orders.onboarding.report import Report


def bring(row: models.Model, what: str, values: Mapping[str, Any], report: Report) -> bool:
    """Assign ``values``, save where something differs, tell the report. True when the row was made or changed.

    An unsaved row is made. ``values`` hold no secrets.
    """
    created = row._state.adding
    changed = {name: (getattr(row, name), new) for name, new in values.items() if getattr(row, name) != new}
    for name, (_, new) in changed.items():
        setattr(row, name, new)
    if created:
        report.created(what)
    for name, (old, new) in () if created else changed.items():
        report.changed(what, name, old, new)
    if created or changed:
        row._change_reason = report.note[:100]  # type: ignore[attr-defined]  # read by simple_history
        row.save()
    return bool(created or changed)


def tell_client(saved: SavedClient, report: Report) -> None:
    """What ``save_client`` did: its lines in the report, and who in its history."""
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
