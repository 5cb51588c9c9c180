"""Product imports: full, minimal and global, as in domain/orderflow.md section 2. No Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from orderflow.documents import (
    Import,
    NotSendable,
    Operation,
    Value,
    number,
    property_name,
    reference_text,
    value_text,
)

PRODUCT_PROPERTIES = (
    "externalReference", "description", "organisation", "weight", "weightUnits", "quantityOnOrder", "imageReference",
    "type", "priceNet", "priceGross", "tax", "taxCode", "currency", "currencyUnits",
    "userDefined1", "userDefined2", "userDefined3", "userDefined4", "userDefined5", "channel", "activated",
    "barcode", "thirdPartyReference", "harmonisedSystemCode", "customsDescription", "countryOfOrigin",
    "length", "width", "height", "category", "colour", "size",
)  # fmt: skip
"""Every product property OrderFlow knows, in the order they are written."""

LIMITS = {
    "externalReference": 120,
    "description": 120,
    "type": 120,
    "imageReference": 120,
    "barcode": 120,
    "thirdPartyReference": 100,
    "harmonisedSystemCode": 255,
    "customsDescription": 255,
}
"""Longest texts, from domain/orderflow.md section 2."""

NUMBERS = frozenset({"weight", "quantityOnOrder", "priceNet", "priceGross", "tax", "length", "width", "height"})
_PLACE = {name: place for place, name in enumerate(PRODUCT_PROPERTIES)}


@dataclass(frozen=True, slots=True)
class ProductScope:
    """What a product belongs to: the channel, the organisation, or nothing (global)."""

    kind: Literal["channel", "organisation", "global"] = "channel"
    channel: str = ""
    organisation: str = ""

    def property(self) -> dict[str, str]:
        if self.kind == "global":
            return {}
        if not (owner := self.channel if self.kind == "channel" else self.organisation):
            raise NotSendable(self.kind, f"is not set, but product_scope is {self.kind}. Set it on the channel.")
        return {self.kind: owner}


def product_import(
    reference: str, properties: Mapping[str, Value], scope: ProductScope, *, operation: Operation = "insert"
) -> Import:
    """The import of one product. ``type`` and ``activated`` are filled in where absent, as OrderFlow wants both;
    a property that says itself whom the product belongs to is replaced by the scope."""
    owned = {name: value for name, value in properties.items() if name not in ("channel", "organisation")}
    full: dict[str, Value] = {"type": "default", "activated": True, **owned, **scope.property()}
    if not full.get("description"):
        raise NotSendable("description", "is missing, and OrderFlow needs one for every product.")
    if full.get("externalReference", reference) != reference:
        raise NotSendable("externalReference", f"is not the product's own reference {reference}.")
    written = tuple((name, product_value(name, full[name])) for name in sorted(full, key=_place))
    return Import("product", operation, reference_text("externalReference", reference), written)


def product_value(name: str, value: Value) -> str:
    """One product property's text, checked by the table of domain/orderflow.md section 2."""
    if name in NUMBERS and not isinstance(value, bool):
        return _number(name, value)
    return value_text(property_name(name), value, limit=LIMITS.get(name))


def _number(name: str, value: str | int | Decimal) -> str:
    if value == "":
        return ""
    try:
        return number(name, Decimal(value.strip()) if isinstance(value, str) else value)
    except InvalidOperation:
        raise NotSendable(name, f"is “{value}”, which is no number. Write it with a point, like 10.50.") from None


def _place(name: str) -> tuple[int, str]:
    return (_PLACE.get(name, len(_PLACE)), name)


def minimal_product(reference: str, description: str | None, scope: ProductScope) -> Import:
    """The least that lets an order of this item in: used when OrderFlow says "No product found"."""
    named = (description or reference)[: LIMITS["description"]]
    return product_import(reference, {"externalReference": reference, "description": named}, scope)
