"""What a delivery to a warehouse keeps: the order's members that an import is made of, digits kept.

The import itself is made when sending, so that a corrected setting helps the retry of a refused one. What was once
sent is known by its digest: a retry that would send something else looks first at what the warehouse holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from orderflow.catalogue.product_documents import ProductScope
from orderflow.imports.order_documents import OrderRules, WarehouseFacts, order_import, quantities, read_order
from orderflow.models import OrderFlowChannel
from orderflow.site.import_documents import Import, NotSendable
from orders.documents import digest, load, render
from orders.values.patterns import taken_by

MEMBERS = ("items", "placedDateTime", "currencyId", "customer", "deliveryAddress")
"""The members of a customer order that docs/reference/orderflow.md#order-mapping reads."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of an order, with the members that are sent to a warehouse."""

    order: Mapping[str, Any]
    received_at: datetime
    """Of the order's first event: stands for a missing placedDateTime."""
    digest: str = ""
    """Of the import when the delivery was planned."""

    @classmethod
    def of(cls, document: Mapping[str, Any], *, received_at: datetime) -> Snapshot:
        return cls({name: document[name] for name in MEMBERS if document.get(name) is not None}, received_at)

    def text(self, *, digest: str) -> str:
        kept = {"order": self.order, "receivedAt": self.received_at.isoformat(), "digest": digest}
        return render(kept).decode()

    @classmethod
    def read(cls, payload: str) -> Snapshot:
        kept = load(payload)
        return cls(kept["order"], datetime.fromisoformat(kept["receivedAt"]), kept["digest"])


@dataclass(frozen=True, slots=True)
class Drawn:
    """An import with the quantities and names its lines have, for code that must look at the answer."""

    item: Import
    quantities: Mapping[str, Decimal]
    names: Mapping[str, str | None]


def rules_of(channel: OrderFlowChannel) -> OrderRules:
    return OrderRules(
        time_zone=channel.time_zone,
        currency_units=channel.currency_units,
        require_delivery_address=channel.require_delivery_address,
        validated=channel.validated,
        properties=tuple(sorted(channel.properties.items())),
    )


def scope_of(channel: OrderFlowChannel) -> ProductScope:
    kind: Any = channel.product_scope
    return ProductScope(kind, channel=channel.channel, organisation=channel.organisation)


def draw(snapshot: Snapshot, channel: OrderFlowChannel, *, reference: str) -> Drawn:
    """The import by the channel's present settings. Raises NotSendable."""
    facts = _facts(snapshot, channel, reference=reference)
    names = {line.item_id: line.name for line in facts.lines}
    return Drawn(order_import(facts, rules_of(channel)), quantities(facts), names)


def _facts(snapshot: Snapshot, channel: OrderFlowChannel, *, reference: str) -> WarehouseFacts:
    return read_order(
        snapshot.order,
        reference=reference,
        received_at=snapshot.received_at,
        takes=taken_by(channel.item_patterns),
    )


def import_digest(snapshot: Snapshot, channel: OrderFlowChannel, *, reference: str) -> str:
    """Names what would be sent; what cannot be sent is named by the order itself, with a mark."""
    try:
        return order_import(_facts(snapshot, channel, reference=reference), rules_of(channel)).digest
    except NotSendable:
        return "!" + digest(snapshot.order)


def reference_for(channel: OrderFlowChannel, *, business_unit_id: str, customer_order_id: str) -> str:
    """The channel's pattern filled in. One pass, so that an id that looks like a placeholder stays what it is."""
    pieces = channel.reference.split("{customerOrderId}")
    return customer_order_id.join(piece.replace("{businessUnitId}", business_unit_id) for piece in pieces)
