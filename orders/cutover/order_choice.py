"""A choice of orders known before the cut-over: one order, those that match a filter, or all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from orders.models import Order, Tenant


@dataclass(frozen=True, slots=True)
class Choice:
    """All given members must match; none given: every order known before. ``from`` is inclusive, ``to`` exclusive."""

    business_unit_id: str | None = None
    customer_order_id: str | None = None
    status: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    updated_from: datetime | None = None
    received_from: datetime | None = None
    """First received by the hub."""

    @property
    def is_one_order(self) -> bool:
        return self.business_unit_id is not None and self.customer_order_id is not None

    def orders(self, tenant: Tenant) -> QuerySet[Order]:
        """The chosen orders that are still known before, in the order of first reception."""
        wanted = {
            "business_unit_id": self.business_unit_id,
            "customer_order_id": self.customer_order_id,
            "status": self.status,
            "placed_at__gte": self.placed_from,
            "placed_at__lt": self.placed_to,
            "updated_at__gte": self.updated_from,
            "received_at__gte": self.received_from,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return Order.objects.filter(tenant=tenant, known_before=True, **given).order_by("pk")

    def as_json(self) -> dict[str, str]:
        """For the row; only what was given."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Choice:
        given: dict[str, Any] = dict(stored)
        for name in given.keys() & _TIMES:
            given[name] = datetime.fromisoformat(given[name])
        return cls(**given)


_TIMES = {"placed_from", "placed_to", "updated_from", "received_from"}
