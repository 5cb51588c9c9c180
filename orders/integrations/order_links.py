"""Buttons and warnings on the page of an order that only an app can give: the core asks those that settings name.

``settings.ORDER_LINKS``   ``(key: OrderKey) -> links``
``settings.ITEM_TAKERS``   ``(tenant_id) -> takers``: who gets which lines, to warn of a line that two roads take
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from django.conf import settings
from django.utils.module_loading import import_string

from orders.values.order_key import OrderKey
from orders.values.patterns import (
    both_take,
    taken_by,
)


@dataclass(frozen=True, slots=True)
class OrderLink:
    """A button: a verb with its object, and where it leads."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Taker:
    """A supplier or a warehouse with the patterns of the items it takes."""

    road: str
    name: str
    patterns: Sequence[str]
    business_units: Sequence[str] | None = None
    """None: of all."""

    def __str__(self) -> str:
        return f"{self.road} {self.name}"


def order_links(key: OrderKey) -> list[OrderLink]:
    return [link for path in settings.ORDER_LINKS for link in import_string(path)(key)]


def takers(tenant_id: int) -> list[Taker]:
    """In the order in which each road shares its lines out: of one road the first that takes a line has it."""
    return [taker for path in settings.ITEM_TAKERS for taker in import_string(path)(tenant_id)]


def warnings(key: OrderKey, item_ids: Iterable[str]) -> list[str]:
    """One sentence per line that goes to a supplier and to a warehouse: somebody may send it twice."""
    asked = [
        (taker, taken_by(taker.patterns))
        for taker in takers(key.tenant_id)
        if taker.business_units is None or key.business_unit_id in taker.business_units
    ]
    return [
        f"{item_id} goes to {' and to '.join(whom)}. If one alone is to send it, narrow which items the other takes."
        for item_id in dict.fromkeys(item_ids)
        if len(whom := _whom(item_id, asked)) > 1
    ]


def _whom(item_id: str, asked: Sequence[tuple[Taker, Callable[[str], bool]]]) -> list[str]:
    """The first taker of each road."""
    first: dict[str, str] = {}
    for taker, takes in asked:
        if taker.road not in first and takes(item_id):
            first[taker.road] = str(taker)
    return list(first.values())


def shared_with(tenant_id: int, road: str, patterns: Sequence[str]) -> list[str]:
    """Takers of other roads that may take what these patterns take."""
    others = [taker for taker in takers(tenant_id) if taker.road != road]
    return [
        f"{taker} ({', '.join(taker.patterns)})"
        for taker in others
        if any(both_take(*pair) for pair in product(patterns, taker.patterns))
    ]
