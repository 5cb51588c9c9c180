"""How an order of the hub becomes an OrderFlow import (docs/reference/orderflow.md#order-mapping). No Django.

customer order (parsed JSON) -> read_order -> WarehouseFacts -> order_import -> documents.Import
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, Inexact
from typing import Any
from zoneinfo import ZoneInfo

from orderflow.site.import_documents import Import, NotSendable, number, property_name, reference_text, text, time

_EXACT = Context(prec=600, traps=[Inexact])
"""Room for the exact sum of 2,000 products of two numbers of 30 digits and exponents within ±30."""

_DELIVERY = (
    ("ContactName", "name"),
    ("AddressLine1", "line1"),
    ("AddressLine2", "line2"),
    ("AddressLine3", "city"),
    ("PostCode", "postalCode"),
    ("CountryCode", "countryCode"),
    ("DayPhoneNumber", "phone"),
    ("EmailAddress", "email"),
)
_INVOICE = (("ContactName", "name"), ("DayPhoneNumber", "phone"), ("EmailAddress", "email"))


@dataclass(frozen=True, slots=True)
class OrderRules:
    """What a channel's settings say about its order imports."""

    time_zone: str = "Europe/London"
    currency_units: str = "pounds"
    require_delivery_address: bool = False
    validated: bool = True
    properties: tuple[tuple[str, str], ...] = ()
    """Fixed extra order properties; one that the hub writes too replaces the hub's."""


@dataclass(frozen=True, slots=True)
class WarehouseLine:
    number: int
    """The line's place in the customer order, from 1: how a person finds it."""
    item_id: str
    quantity: int | Decimal
    unit_price: int | Decimal
    discounts: tuple[int | Decimal, ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True)
class WarehouseFacts:
    """What a warehouse needs to know of one order. ``delivery`` and ``invoice`` hold (member, text) pairs."""

    reference: str
    placed_at: datetime
    lines: tuple[WarehouseLine, ...]
    currency: str | None = None
    delivery: tuple[tuple[str, str], ...] | None = None
    invoice: tuple[tuple[str, str], ...] = ()


def read_order(
    order: Mapping[str, Any], *, reference: str, received_at: datetime, takes: Callable[[str], bool]
) -> WarehouseFacts:
    """``order`` is a valid customerOrder document; ``takes`` says which item ids the channel wants."""
    placed, address = order.get("placedDateTime"), order.get("deliveryAddress")
    return WarehouseFacts(
        reference=reference,
        placed_at=datetime.fromisoformat(placed) if placed else received_at,
        lines=tuple(_line(n, item) for n, item in enumerate(order["items"], 1) if takes(item["itemId"])),
        currency=order.get("currencyId"),
        delivery=None if address is None else _pairs(address, _DELIVERY),
        invoice=_pairs(order.get("customer") or {}, _INVOICE),
    )


def _line(place: int, item: Mapping[str, Any]) -> WarehouseLine:
    discounts = tuple(discount["discountAmount"] for discount in item.get("discounts") or ())
    return WarehouseLine(
        place, item["itemId"], item["quantityOrdered"], item["unitPrice"], discounts, item.get("itemName")
    )


def _pairs(source: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((member, source[member]) for _, member in names if source.get(member) is not None)


def order_import(facts: WarehouseFacts, rules: OrderRules) -> Import:
    """The import of one order; NotSendable names the member or the line that stands in the way."""
    reference = reference_text("reference", facts.reference)
    if not facts.lines:
        raise NotSendable("items", "has no line for this warehouse.")
    if facts.delivery is None and rules.require_delivery_address:
        raise NotSendable("deliveryAddress", "is missing, and this channel requires one (require_delivery_address).")
    totals = [_total(line) for line in facts.lines]
    properties = _head(facts, rules, total=_sum(totals))
    properties |= {property_name(name): text(name, value) for name, value in rules.properties}
    for index, (line, total) in enumerate(zip(facts.lines, totals, strict=True), 1):
        properties |= _line_properties(index, line, total)
    return Import("order", "insert", reference, tuple(properties.items()))


def _head(facts: WarehouseFacts, rules: OrderRules, *, total: Decimal) -> dict[str, str]:
    amount = number("totalPriceGross", total)
    head = {"externalReference": facts.reference} | ({"validated": "true"} if rules.validated else {})
    head["placed"] = time("placedDateTime", facts.placed_at, zone=ZoneInfo(rules.time_zone))
    if facts.currency is not None:
        head |= {"currency": text("currencyId", facts.currency), "currencyUnits": rules.currency_units}
    head |= {"totalPriceGross": amount, "goodsPriceGross": amount}
    head |= _address("delivery", "deliveryAddress", facts.delivery or (), _DELIVERY)
    head |= _address("invoice", "customer", facts.invoice, _INVOICE)
    head |= {"shipment.externalReference": facts.reference, "shipment.state": "ready"}
    head["shipment.orderItem"] = "entity:order"
    return head


def _address(
    prefix: str, member: str, pairs: tuple[tuple[str, str], ...], names: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    given = dict(pairs)
    return {f"{prefix}{name}": text(f"{member}.{own}", given[own]) for name, own in names if own in given}


def _line_properties(index: int, line: WarehouseLine, total: Decimal) -> dict[str, str]:
    prefix, where = f"orderLine.{index}", f"line {line.number}"
    own = {
        f"{prefix}.product.externalReference": reference_text(f"{where} itemId", line.item_id),
        f"{prefix}.quantity": _quantity(line),
        f"{prefix}.unitPriceGross": number(f"{where} unitPrice", line.unit_price),
        f"{prefix}.totalPriceGross": number(f"{where} total", total),
        f"{prefix}.state": "created",
        f"{prefix}.shipment": "entity:shipment",
    }
    if line.name is not None:
        own[f"{prefix}.description"] = text(f"{where} itemName", line.name)
    return own


def _quantity(line: WarehouseLine) -> str:
    quantity = Decimal(line.quantity)
    if quantity <= 0 or quantity != quantity.to_integral_value():
        raise NotSendable(
            f"line {line.number} quantityOrdered",
            f"is {format(quantity, 'f')} for {line.item_id}; a warehouse takes whole, positive quantities only.",
        )
    return format(quantity.to_integral_value(), "f")


def _total(line: WarehouseLine) -> Decimal:
    """Quantity times unit price less the discounts, exact."""
    total = _EXACT.multiply(Decimal(line.quantity), Decimal(line.unit_price))
    for discount in line.discounts:
        total = _EXACT.subtract(total, Decimal(discount))
    return total


def _sum(amounts: list[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def quantities(facts: WarehouseFacts) -> dict[str, Decimal]:
    """Whole quantity per item, lines of one item added: what a duplicate's detail is compared with."""
    wanted: dict[str, Decimal] = {}
    for line in facts.lines:
        wanted[line.item_id] = wanted.get(line.item_id, Decimal(0)) + Decimal(line.quantity)
    return wanted
