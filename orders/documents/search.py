"""The body of ``POST …/customer-orders:search`` (docs/reference/api.md#search)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SearchCriteria:
    """Joined by AND, exact; None does not restrict. ``from`` is inclusive, ``to`` exclusive; times are in UTC."""

    customer_id: str | None = None
    customer_order_id: str | None = None
    status: str | None = None
    item_id: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
