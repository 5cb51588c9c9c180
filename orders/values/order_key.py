"""What names one customer order of one tenant."""

from __future__ import annotations

from typing import NamedTuple


class OrderKey(NamedTuple):
    """What names one customer order, whether it is stored here or only read through."""

    tenant_id: int
    business_unit_id: str
    customer_order_id: str
