"""How the products' endpoint appears in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from orderflow.catalogue.product_documents import LIMITS, MOST_TEXT, NUMBER_TEXT, NUMBERS, PRODUCT_PROPERTIES
from orderflow.models import Product
from orderflow.site.import_documents import REFERENCE_LIMIT
from orders.api.schema import Answer, Body, Operation, define
from orders.api.schema.core import ID
from orders.values.problems import InvalidId, ProxyMode, UnknownChannel, UnknownProduct

Shape = dict[str, Any]

PRODUCTS = "Products"
_TEXT: Shape = {"type": "string"}
_STATUS: Shape = {"type": "string", "enum": list(Product.Status.values)}
_PLACE: Shape = {
    "channel": {**_TEXT, "description": "The OrderFlow channel's id."},
    "sku": {**ID, "maxLength": REFERENCE_LIMIT, "description": "The item's id at the warehouse."},
}


_SENDABLE: Shape = {**_TEXT, "pattern": r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]*$"}
"""What XML can carry."""
_NUMBER: Shape = {"type": "number", "exclusiveMinimum": -1e31, "exclusiveMaximum": 1e31}


def _property(name: str) -> Shape:
    if name in NUMBERS:
        return {"oneOf": [_NUMBER, {**_TEXT, "pattern": NUMBER_TEXT}]}
    text = {**_SENDABLE, "maxLength": LIMITS.get(name, MOST_TEXT)}
    if name in ("description", "externalReference"):
        return {**text, "minLength": 1}
    return {"oneOf": [text, _NUMBER, {"type": "boolean"}]}


_PROPERTIES = {name: _property(name) for name in PRODUCT_PROPERTIES if name not in ("channel", "organisation")}
PRODUCT = define(
    "Product",
    {"type": "object", "properties": _PROPERTIES, "required": ["description"], "additionalProperties": False},
)
_STORED: Shape = {
    "type": "object",
    "required": ["sku", "status", "failure", "properties"],
    "properties": {
        "sku": _TEXT,
        "status": _STATUS,
        "failure": {"type": ["string", "null"], "description": "Why the warehouse refused it."},
        "properties": {"type": "object", "additionalProperties": _TEXT},
    },
}
_ACCEPTED: Shape = {"type": "object", "required": ["sku", "status"], "properties": {"sku": _TEXT, "status": _STATUS}}

put_product = Operation(
    id="putProduct",
    summary="Send one product to a warehouse's catalogue",
    tag=PRODUCTS,
    scope="products:write",
    path=_PLACE,
    body=Body(schema=PRODUCT, example={"description": "Green beans", "weight": "100", "weightUnits": "grams"}),
    answers={
        202: Answer(
            description="Stored; sent to the warehouse if it changed",
            schema=_ACCEPTED,
            links={"getProduct": {name: f"$request.path.{name}" for name in _PLACE}},
        )
    },
    problems=(InvalidId, UnknownChannel, ProxyMode),
)
get_product = Operation(
    id="getProduct",
    summary="Read one product of a warehouse's catalogue",
    tag=PRODUCTS,
    scope="products:write",
    path=_PLACE,
    answers={200: Answer(description="The product as it is sent", schema=define("StoredProduct", _STORED))},
    problems=(InvalidId, UnknownChannel, UnknownProduct, ProxyMode),
)
