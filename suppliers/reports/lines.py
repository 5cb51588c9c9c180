"""What a supplier said of single lines of its part: accepted, rejected, backordered, delivered.

Stored as JSON text in ``SupplierPart.lines`` and ``PartDelivery.items``, quantities digit for digit as texts; null is
the whole line, however large it is when it is read (docs/reference/supplier-events.md#reports).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from suppliers.order_data.parts import EXACT
from suppliers.reports.messages import DeliveredItem, LineStatus

ACCEPTED, REJECTED = "accepted", "rejected"
Quantities = Mapping[str, Decimal]
"""Ordered, by item id."""


def with_report(stored: str, items: Iterable[LineStatus], *, timestamp: str) -> str:
    """The lines after a report that is the newest of its part: what it names is replaced, the rest stays."""
    lines: dict[str, Any] = json.loads(stored) if stored else {}
    named: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        said = {"status": item.status, "quantity": _text(item.quantity), "reason": item.reason}
        named.setdefault(item.item_id, []).append(said | {"expectedDate": item.expected_date, "timestamp": timestamp})
    return json.dumps(lines | named)


def rejected(items: Iterable[LineStatus]) -> list[LineStatus]:
    return [item for item in items if item.status == REJECTED]


def in_words(items: Sequence[LineStatus]) -> str:
    """``rejected 2 of BEAN-1 (out of stock), accepted all of BEAN-2``."""
    return ", ".join(
        f"{item.status} {'all' if item.quantity is None else format(item.quantity, 'f')} of {item.item_id}"
        + (f" ({item.reason})" if item.reason else "")
        for item in items
    )


def parcel_text(items: Sequence[DeliveredItem] | None) -> str:
    """``PartDelivery.items``; empty for a delivery of all lines."""
    if items is None:
        return ""
    return json.dumps([{"itemId": item.item_id, "quantity": _text(item.quantity)} for item in items])


def stored_words(stored: str) -> str:
    """What ``with_report`` stored, for a person."""
    said: dict[str, list[dict[str, Any]]] = json.loads(stored) if stored else {}
    return ", ".join(
        f"{one['status']} {one['quantity'] or 'all'} of {item_id}" + (f" ({one['reason']})" if one["reason"] else "")
        for item_id, entries in said.items()
        for one in entries
    )


def parcel_words(items: Sequence[DeliveredItem] | None) -> str:
    """``2 of BEAN-1, all of BEAN-2``."""
    return ", ".join(
        f"{'all' if item.quantity is None else format(item.quantity, 'f')} of {item.item_id}" for item in items or ()
    )


def contents(stored: str, ordered: Quantities) -> list[dict[str, Any]]:
    """What is in a parcel, as the API shows it: without items all lines, without a quantity the whole line."""
    if not stored:
        return [{"itemId": item_id, "quantity": quantity} for item_id, quantity in ordered.items()]
    return [
        {"itemId": one["itemId"], "quantity": _number(one["quantity"], ordered.get(one["itemId"]))}
        for one in json.loads(stored)
    ]


def line_states(stored: str, parcels: Sequence[str], ordered: Quantities) -> list[dict[str, Any]]:
    """Per item what was ordered, accepted, rejected and delivered; items that the order lost by now stand behind."""
    said: dict[str, list[dict[str, Any]]] = json.loads(stored) if stored else {}
    delivered = _delivered(parcels, ordered)
    return [
        {
            "itemId": item_id,
            "ordered": ordered.get(item_id, Decimal(0)),
            "accepted": _sum(said.get(item_id), ACCEPTED, ordered.get(item_id)),
            "rejected": _sum(said.get(item_id), REJECTED, ordered.get(item_id)),
            "delivered": delivered.get(item_id, Decimal(0)),
            "reason": next((one["reason"] for one in said.get(item_id, ()) if one["reason"]), None),
        }
        for item_id in dict.fromkeys([*ordered, *said, *delivered])
    ]


def _delivered(parcels: Sequence[str], ordered: Quantities) -> dict[str, Decimal]:
    """The sum over all parcels; a parcel of the whole line beside others does not make it more than was ordered."""
    found: dict[str, Decimal] = {}
    whole: set[str] = set()
    for stored in parcels:
        for one in json.loads(stored) if stored else _all(ordered):
            found.setdefault(one["itemId"], Decimal(0))
            if one["quantity"] is None:
                whole.add(one["itemId"])
            else:
                found[one["itemId"]] = EXACT.add(found[one["itemId"]], Decimal(one["quantity"]))
    return {
        item_id: max(quantity, ordered.get(item_id, quantity)) if item_id in whole else quantity
        for item_id, quantity in found.items()
    }


def _all(ordered: Quantities) -> list[dict[str, Any]]:
    return [{"itemId": item_id, "quantity": None} for item_id in ordered]


def _sum(said: Sequence[Mapping[str, Any]] | None, status: str, ordered: Decimal | None) -> Decimal | None:
    """Null for a line of which nothing was said."""
    if said is None:
        return None
    total = Decimal(0)
    for one in said:
        if one["status"] == status:
            total = EXACT.add(total, _number(one["quantity"], ordered) or Decimal(0))
    return total


def _number(text: str | None, whole: Decimal | None) -> Decimal | None:
    return whole if text is None else Decimal(text)


def _text(quantity: Decimal | None) -> str | None:
    return None if quantity is None else format(quantity, "f")
