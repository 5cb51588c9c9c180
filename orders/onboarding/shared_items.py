"""Items that two integrations send: warnings on the page of an order and on the onboarding page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product

from orders.integrations import integrations
from orders.integrations.console import ItemTaker
from orders.values.order_key import OrderKey
from orders.values.patterns import (
    both_take,
    taken_by,
)


def warnings(key: OrderKey, item_ids: Iterable[str]) -> list[str]:
    """One sentence per line that goes to a supplier and to a warehouse: somebody may send it twice."""
    asked = [
        (taker, taken_by(taker.patterns))
        for taker in _takers(key.tenant_id)
        if taker.business_units is None or key.business_unit_id in taker.business_units
    ]
    return [
        f"{item_id} goes to {' and to '.join(whom)}. If one alone is to send it, narrow which items the other takes."
        for item_id in dict.fromkeys(item_ids)
        if len(whom := _whom(item_id, asked)) > 1
    ]


def _whom(item_id: str, asked: Sequence[tuple[ItemTaker, Callable[[str], bool]]]) -> list[str]:
    """The first taker of each road."""
    first: dict[str, str] = {}
    for taker, takes in asked:
        if taker.road not in first and takes(item_id):
            first[taker.road] = str(taker)
    return list(first.values())


def shared_with(tenant_id: int, road: str, patterns: Sequence[str]) -> list[str]:
    """Takers of other roads that may take what these patterns take."""
    others = [taker for taker in _takers(tenant_id) if taker.road != road]
    return [
        f"{taker} ({', '.join(taker.patterns)})"
        for taker in others
        if any(both_take(*pair) for pair in product(patterns, taker.patterns))
    ]


def _takers(tenant_id: int) -> list[ItemTaker]:
    """In the order in which each integration shares items out: within one, the first that takes an item has it."""
    return [taker for one in integrations() for taker in one.item_takers(tenant_id)]
