"""Whether the warehouse holds what the hub would import (docs/reference/orderflow.md#order-mapping). No Django."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from orderflow.site.reports import OrderDetail

NAMED = 5
"""Differing items named in a message; a person needs the first ones."""


def difference(found: OrderDetail, wanted: Mapping[str, Decimal]) -> str | None:
    """What differs between the warehouse's order and ours; None when lines and quantities are the same."""
    if found.cancelled:
        return f"The warehouse's order {found.reference} is cancelled. Settle it with the warehouse."
    if dict(found.quantities) == dict(wanted):
        return None
    items = sorted({*found.quantities, *wanted})
    differing = [item for item in items if found.quantities.get(item) != wanted.get(item)]
    parts = [f"{item}: {found.quantities.get(item, 0)} there, {wanted.get(item, 0)} here" for item in differing[:NAMED]]
    return f"The warehouse's order {found.reference} differs ({'; '.join(parts)}). Settle it with the warehouse."
