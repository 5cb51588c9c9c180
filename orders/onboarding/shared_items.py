"""Items that two integrations send: warnings on the page of an order and on the onboarding page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product

from orders.integrations import integrations
from orders.integrations.console import ItemTaker
from orders.values.order_key import OrderKey
from orders.values.patterns import both_take, taken_by


def warnings(key: OrderKey, item_ids: Iterable[str]) -> list[str]:
    """One sentence per item that goes to a supplier and to a warehouse: both may send it."""
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
    """The first taker of each channel."""
    first: dict[str, str] = {}
    for taker, takes in asked:
        if taker.channel not in first and takes(item_id):
            first[taker.channel] = str(taker)
    return list(first.values())


def shared_with(tenant_id: int, channel: str, patterns: Sequence[str]) -> list[str]:
    """Takers of other channels whose patterns may match the same items."""
    others = [taker for taker in _takers(tenant_id) if taker.channel != channel]
    return [
        f"{taker} ({', '.join(taker.patterns)})"
        for taker in others
        if any(both_take(*pair) for pair in product(patterns, taker.patterns))
    ]


def _takers(tenant_id: int) -> list[ItemTaker]:
    """All takers; within an integration the first that matches an item gets it."""
    return [taker for one in integrations() for taker in one.item_takers(tenant_id)]
