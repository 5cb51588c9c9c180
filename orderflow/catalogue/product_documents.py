"""Product imports: full, minimal and global (docs/reference/orderflow.md#products). No Django."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from orderflow.site.import_documents import (
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
"""Longest texts: docs/reference/orderflow.md#products."""

NUMBERS = frozenset({"weight", "quantityOnOrder", "priceNet", "priceGross", "tax", "length", "width", "height"})
NUMBER_TEXT = r"^(-?[0-9]{1,30}(\.[0-9]{1,30})?)?$"
"""A number given as text, by the digits that orders may have; empty unsets it."""
MOST_TEXT = 2_000
"""Characters of a text that OrderFlow does not limit, as in an order (docs/reference/customer-order.md#values)."""
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
    """One product property's text, checked by docs/reference/orderflow.md#products."""
    if name in NUMBERS and not isinstance(value, bool):
        return _number(name, value)
    return value_text(property_name(name), value, limit=LIMITS.get(name))


def product_faults(reference: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(property, what is wrong with it) for everything that keeps a product out of a catalogue."""
    for name, value in given.items():
        if (reason := _fault_of(name, value)) is not None:
            yield name, reason
    if given.get("description", "") == "":
        yield "description", "is missing, and OrderFlow needs one for every product."
    if given.get("externalReference", reference) != reference:
        yield "externalReference", f"is not the product's own reference {reference}."


def _fault_of(name: str, value: Any) -> str | None:
    if name in ("channel", "organisation"):
        return "is not set here: the channel's product_scope says whose the product is."
    if name not in PRODUCT_PROPERTIES:
        return "is no property of a product."
    return _unfit(name, value) or _unsendable(name, value)


def _unfit(name: str, value: Any) -> str | None:
    """What is wrong with the kind of value; texts of NUMBERS are judged as strictly as numbers."""
    if name in ("description", "externalReference") and not isinstance(value, str):
        return "must be a text."
    if name in NUMBERS and (isinstance(value, bool) or (isinstance(value, str) and not re.match(NUMBER_TEXT, value))):
        return "must be a number, written with a point, like 10.50."
    if not isinstance(value, str | bool | int | Decimal):
        return "must be a text, a number, true or false."
    return None


def _unsendable(name: str, value: Value) -> str | None:
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"has {len(value)} characters; at most {MOST_TEXT} are taken."
    try:
        product_value(name, value)
    except NotSendable as fault:
        return fault.reason
    return None


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
