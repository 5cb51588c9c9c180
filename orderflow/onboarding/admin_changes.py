"""A change of one channel made in a form, laid over what is stored by the onboarding service."""

from __future__ import annotations

from typing import Any

from orderflow.models import OrderFlowChannel
from orders.access.sealing import MASK
from orders.integrations.onboarding_report import Report
from orders.onboarding.files import Agree, apply_keys, exported_objects, unasked

KEYS = (
    "reference", "require_delivery_address", "time_zone", "currency_units", "on_update", "on_cancel", "batch_size",
    "poll_despatches_seconds", "import_missing_products", "validated",
)  # fmt: skip
"""Of the form, beside the credentials."""


def change_channel(wanted: OrderFlowChannel, password: str, *, who: str, agree: Agree = unasked) -> Report:
    """Make the stored channel what ``wanted`` (not saved) says; an empty password keeps the stored one.

    Products whose import changes are sent again; a stopped channel resumes. Raises FileRefused.
    """
    tenant = wanted.destination.tenant
    return apply_keys(tenant, lambda: {"orderflow_channels": [_entry(wanted, password)]}, who=who, agree=agree)


def _entry(wanted: OrderFlowChannel, password: str) -> dict[str, Any]:
    """Products are left out, which keeps the catalogue."""
    stored = exported_objects(wanted.destination.tenant, "orderflow_channels")
    entry: dict[str, Any] = next(one for one in stored if one["id"] == wanted.destination.name)
    del entry["products"]
    entry |= {name: getattr(wanted, name) for name in KEYS}
    entry["auth"] = {"type": wanted.auth_type, "username": wanted.username, "password": password or MASK}
    return entry
