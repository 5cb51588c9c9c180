"""The contract of the simulated OMS as it publishes it (OpenAPI 3.1), and the check of bodies against it.

One schema serves both, so that what is published is enforced. Members: docs/reference/customer-order.md#members.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orders.simulators.wire import Digits

TEXT: dict[str, Any] = {"type": "string"}
ID: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 128}
NUMBER: dict[str, Any] = {"type": "number"}
TIME: dict[str, Any] = {"type": "string", "format": "date-time"}


def _object(required: str, optional: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """An object schema; ``required`` names members separated by blanks."""
    properties = {**members, **(optional or {})}
    return {"type": "object", "required": required.split(), "properties": properties}


DISCOUNT = _object(
    "discountAmount discountId discountText rewardType",
    discountAmount=NUMBER,
    discountId=TEXT,
    discountText=TEXT,
    rewardType=TEXT,
)
ITEM = _object(
    "itemId quantityOrdered unitPrice",
    itemId=ID,
    itemName=TEXT,
    quantityOrdered=NUMBER,
    unitPrice=NUMBER,
    contributedAmount=NUMBER,
    discounts={"type": "array", "items": DISCOUNT},
)
ADDITIONAL = _object("id value displayText receiptLabel", id=TEXT, value=TEXT, displayText=TEXT, receiptLabel=TEXT)
PAYMENT = _object(
    "customerAccountId invoicingAmount",
    customerAccountId=TEXT,
    invoicingAmount=NUMBER,
    additionalInformation={"type": "array", "items": ADDITIONAL},
)
CUSTOMER = _object("name", name=TEXT, accountNumber=TEXT, email=TEXT, phone=TEXT)
COUNTRY: dict[str, Any] = {"type": "string", "pattern": "^[A-Z]{2}$"}
ADDRESS = _object(
    "name line1 city postalCode countryCode",
    **dict.fromkeys(("name", "line1", "line2", "city", "postalCode", "phone", "email"), TEXT),
    countryCode=COUNTRY,
)
CASE = _object(
    "uuid number externalClaimId token caseType",
    **dict.fromkeys(("uuid", "number", "externalClaimId", "token", "caseType"), TEXT),
)
ORDER = _object(
    "customerOrderId customerId status items",
    customerOrderId=ID,
    customerId=ID,
    status=ID,
    minimumDownPaymentAmount=NUMBER,
    isLocked={"type": "boolean"},
    invoicePaymentInstructions=PAYMENT,
    items={"type": "array", "items": ITEM},
    currencyId={"type": "string", "pattern": "^[A-Z]{3}$"},
    placedDateTime=TIME,
    customer=CUSTOMER,
    deliveryAddress=ADDRESS,
    case=CASE,
)
CRITERIA: dict[str, Any] = {
    **_object(
        "",
        customerId=ID,
        customerOrderId=ID,
        status=ID,
        itemId=ID,
        placedFrom=TIME,
        placedTo=TIME,
        updatedFrom=TIME,
        updatedTo=TIME,
    ),
    "additionalProperties": False,
}
FOUND = _object("customerOrderId customerId status", customerOrderId=TEXT, customerId=TEXT, status=TEXT)

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (Digits,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def faults(value: Any, schema: Mapping[str, Any], pointer: str = "") -> Iterator[tuple[str, str]]:
    """What is wrong with a value (numbers as ``Digits``): JSON pointer and words. None counts as absent."""
    kind = schema["type"]
    fits = isinstance(value, KINDS[kind]) and (kind != "string" or not isinstance(value, Digits))
    if not fits:
        yield pointer, f"must be of type {kind}"
    elif kind == "object":
        yield from _object_faults(value, schema, pointer)
    elif kind == "array":
        for position, each in enumerate(value):
            yield from faults(each, schema["items"], f"{pointer}/{position}")
    elif kind == "string":
        yield from _text_faults(value, schema, pointer)


def _object_faults(value: Mapping[str, Any], schema: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    for name in schema["required"]:
        if value.get(name) is None:
            yield f"{pointer}/{name}", "is required"
    for name, each in value.items():
        if name in schema["properties"]:
            if each is not None:
                yield from faults(each, schema["properties"][name], f"{pointer}/{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{pointer}/{name}", "is not known here"


def _text_faults(value: str, schema: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 2000):
        yield pointer, "has a wrong length"
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield pointer, f"does not match {schema['pattern']}"


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mock OMS", "version": "1", "description": "A tenant's order service, simulated."},
        "servers": [{"url": "/"}],
        "security": [{"basic": []}, {"oauth2": []}],
        "paths": {
            "/api/v1/business-units/{businessUnitId}/customer-orders": _path(post=_write()),
            "/api/v1/business-units/{businessUnitId}/customer-orders:search": _path(post=_search()),
            "/api/v1/business-units/{businessUnitId}/customer-orders/{customerOrderId}": _path(get=_read()),
            "/oauth2/token": {"post": _token()},
        },
        "components": {
            "schemas": {"CustomerOrder": ORDER, "Criteria": CRITERIA, "Found": FOUND, "Problem": PROBLEM},
            "parameters": {
                "BusinessUnit": _parameter("businessUnitId", place="path"),
                "Tenant": _parameter("Tenant-Id", place="header"),
            },
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "oauth2": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": {}}},
                },
            },
        },
    }


PROBLEM = _object("title status", title=TEXT, status={"type": "integer"}, detail=TEXT)


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _parameter(name: str, *, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": ID}


def _path(**operations: Any) -> dict[str, Any]:
    return {"parameters": [_ref("parameters", "BusinessUnit"), _ref("parameters", "Tenant")], **operations}


def _json(schema: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _answers(**by_status: dict[str, Any]) -> dict[str, Any]:
    problem = {"content": {"application/problem+json": {"schema": _ref("schemas", "Problem")}}}
    texts = {"400": "Bad body, Tenant-Id or fault", "401": "Not authorized", "403": "Unknown tenant"}
    refusals = {status: {"description": text, **problem} for status, text in texts.items()}
    return {**{status.removeprefix("http_"): answer for status, answer in by_status.items()}, **refusals}


def _body(schema: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref("schemas", schema)}}}


ORDER_ENVELOPE = _object("customerOrder", customerOrder={"$ref": "#/components/schemas/CustomerOrder"})


def _write() -> dict[str, Any]:
    return {
        "operationId": "writeCustomerOrder",
        "summary": "Create or update an order (the bare order, replaced as a whole)",
        "requestBody": _body("CustomerOrder"),
        "responses": _answers(http_200=_json(ORDER_ENVELOPE, "Updated"), http_201=_json(ORDER_ENVELOPE, "Created")),
    }


def _search() -> dict[str, Any]:
    found = _object("customerOrders", customerOrders={"type": "array", "items": _ref("schemas", "Found")})
    return {
        "operationId": "searchCustomerOrders",
        "summary": "Orders that match every criterion given, newest first",
        "requestBody": _body("Criteria"),
        "responses": _answers(http_200=_json(found, "Found")),
    }


def _read() -> dict[str, Any]:
    unknown = {"description": "No such order", "content": {"application/problem+json": {"schema": PROBLEM}}}
    return {
        "operationId": "readCustomerOrder",
        "summary": "One order",
        "parameters": [_parameter("customerOrderId", place="path")],
        "responses": _answers(http_200=_json(ORDER_ENVELOPE, "The order"), http_404=unknown),
    }


def _token() -> dict[str, Any]:
    form = _object("grant_type", grant_type=TEXT, scope=TEXT, client_id=TEXT, client_secret=TEXT)
    return {
        "operationId": "fetchToken",
        "summary": "OAuth 2.0 client credentials",
        "security": [],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {
            "200": _json(_object("access_token token_type", access_token=TEXT, token_type=TEXT), "A token"),
            "400": {"description": "Bad request (RFC 6749)"},
            "401": {"description": "Unknown client (RFC 6749)"},
        },
    }
