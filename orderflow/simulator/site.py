"""What the simulated OrderFlow site holds, and its rules (docs/reference/orderflow.md). No HTTP here."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from orderflow.simulator.checks import TIME_FORMAT, check_order, check_product, line_numbers, whole_number
from orderflow.simulator.imports import DuplicateEntity, Import, ImportRefused

COUNTED_STOCK = 1000
"""What the warehouse has of a product whose stock nobody set: enough not to be in the way."""

Scope = tuple[str, str]
"""Whose a product is: ("channel", name), ("organisation", name) or ("", "") for everybody's."""


@dataclass(slots=True)
class Product:
    reference: str
    scope: Scope
    properties: dict[str, str]

    @property
    def active(self) -> bool:
        return self.properties.get("activated", "true") == "true"


@dataclass(slots=True)
class Line:
    product: str
    quantity: int


@dataclass(slots=True)
class Order:
    reference: str
    channel: str
    properties: dict[str, str]
    lines: list[Line]
    state: str = "created"
    shipment: str = ""
    """Reference of its one shipment."""
    courier: str = ""
    despatch_reference: str = ""
    tracking_url: str = ""
    completed: str = ""
    """When it was despatched, in the site's zone, as the wire has it."""

    @property
    def open(self) -> bool:
        return self.state == "created"


@dataclass(slots=True)
class Site:
    """All state; every method is safe from several threads."""

    channels: set[str]
    organisations: set[str]
    couriers: set[str]
    zone: ZoneInfo
    products: dict[tuple[Scope, str], Product] = field(default_factory=dict)
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    checks_before_duplicates: bool = False
    """Whether an import of a reference that is taken is refused for its other faults first."""
    _cancelled: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # Imports

    def take(self, item: Import, *, channel: str) -> None:
        """Do one import. ``channel`` is "" where the call named an organisation. Raises ImportRefused."""
        properties = item.properties()
        reference = properties.setdefault("externalReference", item.reference)
        if not reference or (item.reference and reference != item.reference):
            raise ImportRefused("A value is required for property 'externalReference', the same as the attribute's")
        with self._lock:
            match item.type, item.operation:
                case "product", "insert" | "update" | "merge":
                    self._take_product(item, properties)
                case "order", "insert" if channel:
                    self._insert_order(channel, properties)
                case "order", "update" if channel:
                    self._update_order(channel, properties)
                case _:
                    raise ImportRefused(f"Operation '{item.operation}' of type '{item.type}' is not supported here")

    def _take_product(self, item: Import, properties: dict[str, str]) -> None:
        scope = self._scope(properties)
        held = self.products.get((scope, properties["externalReference"]))
        if held and item.operation == "insert":
            raise DuplicateEntity(_duplicate("product", held.reference))
        if held is None and item.operation == "update":
            raise ImportRefused(_no_product(properties["externalReference"]))
        merged = {**(held.properties if held else {}), **properties}
        check_product(merged)
        self.products[scope, merged["externalReference"]] = Product(merged["externalReference"], scope, merged)

    def _scope(self, properties: Mapping[str, str]) -> Scope:
        for kind, known in (("channel", self.channels), ("organisation", self.organisations)):
            name = properties.get(kind)
            if name and name not in known:
                raise ImportRefused(_no_entity(f"ref:{kind}:{name}"))
            if name:
                return kind, name
        return "", ""

    def _insert_order(self, channel: str, properties: dict[str, str]) -> None:
        reference = properties["externalReference"]
        if self.checks_before_duplicates:
            self._order(channel, properties)
        if (channel, reference) in self.orders:
            raise DuplicateEntity(_duplicate("order", reference))
        self.orders[channel, reference] = self._order(channel, properties)

    def _update_order(self, channel: str, properties: dict[str, str]) -> None:
        held = self.orders.get((channel, properties["externalReference"]))
        if held is None or not held.open:
            raise ImportRefused(f"No order found for external reference: {properties['externalReference']}")
        changed = self._order(channel, {**held.properties, **properties})
        self.orders[channel, held.reference] = changed

    def _order(self, channel: str, properties: dict[str, str]) -> Order:
        check_order(properties)
        reference = properties["externalReference"]
        return Order(
            reference=reference,
            channel=channel,
            properties=properties,
            lines=[self._line(channel, properties, number) for number in line_numbers(properties)],
            shipment=properties.get("shipment.externalReference") or f"{reference}-1",
            courier=self._courier(properties.get("shipment.courier", "")),
        )

    def _line(self, channel: str, properties: Mapping[str, str], number: int) -> Line:
        prefix = f"orderLine.{number}"
        product = properties.get(f"{prefix}.product.externalReference", "")
        if not self._sells(channel, product):
            raise ImportRefused(_no_product(product))
        return Line(product, whole_number(f"{prefix}.quantity", properties.get(f"{prefix}.quantity", "")))

    def _sells(self, channel: str, reference: str) -> bool:
        """Whether the channel has an active product: its own, an organisation's or everybody's."""
        scopes: list[Scope] = [("channel", channel), ("", ""), *(("organisation", each) for each in self.organisations)]
        held = (self.products.get((scope, reference)) for scope in scopes)
        return any(product is not None and product.active for product in held)

    def _courier(self, identifier: str) -> str:
        name = identifier.removeprefix("ref:courier:")
        if identifier and (name == identifier or name not in self.couriers):
            raise ImportRefused(_no_entity(identifier))
        return name

    # Other operations

    def order(self, channel: str, reference: str) -> Order | None:
        return self.orders.get((channel, reference))

    def cancel(self, channel: str, reference: str, *, frees_reference: bool) -> bool:
        """False when there is nothing to cancel. Freeing moves the cancelled order to a reference of its own."""
        with self._lock:
            order = self.orders.get((channel, reference))
            if order is None or not order.open:
                return False
            order.state = "cancelled"
            if frees_reference:
                self._cancelled += 1
                order.reference = f"{reference}-CANCELLED-{self._cancelled}"
                self.orders[channel, order.reference] = self.orders.pop((channel, reference))
            return True

    def despatch(self, channel: str, reference: str, *, courier: str = "", tracking_url: str = "") -> Order:
        """Send an open order's shipment off. Raises ValueError."""
        with self._lock:
            order = self.orders.get((channel, reference))
            if order is None or not order.open:
                raise ValueError(f"Channel {channel} has no open order {reference}.")
            order.state = "despatched"
            order.courier = courier or order.courier
            order.despatch_reference = f"D-{order.shipment}"
            order.tracking_url = tracking_url
            order.completed = datetime.now(UTC).astimezone(self.zone).strftime(TIME_FORMAT)
            return order

    def despatches(self, channel: str, *, first: str, last: str) -> list[Order]:
        """Both ends inclusive and in whole seconds, so that a cursor meets its last ones again. "" is open."""
        with self._lock:
            held = [each for (name, _), each in self.orders.items() if name == channel and each.completed]
        fitting = [each for each in held if first <= each.completed and (not last or each.completed <= last)]
        return sorted(fitting, key=lambda order: order.completed)

    def inventory(self, references: Iterable[str]) -> list[dict[str, str]]:
        with self._lock:
            known = {reference for _, reference in self.products}
            return [self._stock_of(reference) for reference in dict.fromkeys(references) if reference in known]

    def counted(self, reference: str) -> tuple[str, str]:
        """Available and total."""
        with self._lock:
            stock = self._stock_of(reference)
        return stock["available"], stock["total"]

    def _stock_of(self, reference: str) -> dict[str, str]:
        lines = (line for order in self.orders.values() if order.open for line in order.lines)
        allocated = sum(line.quantity for line in lines if line.product == reference)
        total = self.stock.get(reference, COUNTED_STOCK)
        counts = {"available": total - allocated, "total": total, "allocated": allocated}
        return {"externalReference": reference, **{name: str(count) for name, count in counts.items()}}

    def add_product(self, reference: str, *, channel: str = "", active: bool = True) -> None:
        scope: Scope = ("channel", channel) if channel else ("", "")
        properties = {"externalReference": reference, "description": reference, "type": "default"}
        properties["activated"] = "true" if active else "false"
        self.products[scope, reference] = Product(reference, scope, properties)

    def clear(self) -> None:
        with self._lock:
            self.orders.clear()
            self.products.clear()
            self.stock.clear()

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            orders = [
                {
                    "channel": each.channel,
                    "externalReference": each.reference,
                    "state": each.state,
                    "lines": [{"product": line.product, "quantity": str(line.quantity)} for line in each.lines],
                    "properties": dict(each.properties),
                    "completed": each.completed,
                }
                for each in self.orders.values()
            ]
            products = [
                {
                    "externalReference": each.reference,
                    "scope": ":".join(each.scope),
                    "properties": dict(each.properties),
                }
                for each in self.products.values()
            ]
        return {"orders": orders, "products": products}


def _duplicate(kind: str, reference: str) -> str:
    return f"Duplicate entity in import of {kind} with reference: {reference}\n already exists for the channel"


def _no_product(reference: str) -> str:
    return (
        f"No product found for external reference: {reference}. "
        "If this product is present, make sure that it has been activated."
    )


def _no_entity(identifier: str) -> str:
    return f"Unable to find any entity associated with identifier:{identifier}"
