"""How the suppliers' endpoints appear in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from orders.api.schema import Answer, Body, Operation, define
from orders.api.schema.core import CURSOR, ID, TAKE
from orders.models import Delivery
from orders.values.problems import Conflict, NotFound, ProxyMode, Throttled, UnknownOrder
from suppliers.reports.messages import REPORTS
from suppliers.webhooks.pull_feed import EventsGone

Shape = dict[str, Any]


def _text(**more: Any) -> Shape:
    return {"type": "string", **more}


def _object(required: Shape, optional: Shape | None = None) -> Shape:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _or_null(shape: Shape) -> Shape:
    return {**shape, "type": [shape["type"], "null"]}


_NUMBER: Shape = {"type": "number"}
_TEXT = _text()
_CASE = _object(dict.fromkeys(("uuid", "number", "externalClaimId", "token", "caseType"), _TEXT))
_LINE = _object(
    {"itemId": _TEXT, "quantityOrdered": _NUMBER, "unitPrice": _NUMBER, "totalPrice": _NUMBER}, {"itemName": _TEXT}
)
_STATUS = {**_object({"status": _TEXT, "updatedAt": _TEXT}, {"comment": _TEXT}), "type": ["object", "null"]}
ORDER_DATA = _object(
    {
        "orderToken": _TEXT,
        "customerOrderId": _TEXT,
        "businessUnitId": _TEXT,
        "status": _TEXT,
        "case": _CASE,
        "items": {"type": "array", "items": _LINE},
        "totalPrice": _NUMBER,
        "supplierStatus": _STATUS,
    },
    {
        "currencyId": _TEXT,
        "placedDateTime": _TEXT,
        "customer": _object({"name": _TEXT}, {"email": _TEXT, "phone": _TEXT}),
        "deliveryAddress": {"type": "object"},
    },
)
_ENVELOPE = {
    "payloadVersion": _text(examples=["1.0.0"], pattern=r"^1(\.[0-9]{1,9}){0,2}$"),
    "timestamp": _text(examples=["2026-11-20T08:46:36+0000"]),
}
_STATUS_WORD = _text(minLength=1, maxLength=64)
_ITEM_ID = _text(minLength=1, maxLength=128)
_DELIVERED: Shape = {"oneOf": [_ITEM_ID, _object({"itemId": _ITEM_ID})]}
_DAY = _text(examples=["2026-11-20"], maxLength=64)
SUPPLIER_EVENT: Shape = {
    "oneOf": [
        _object(
            {"eventType": {"const": "order_status_updated"}, **_ENVELOPE, "orderToken": _TEXT, "status": _STATUS_WORD},
            {"comment": _or_null(_text(maxLength=2000))},
        ),
        _object(
            {"eventType": {"const": "delivery_updated"}, **_ENVELOPE, "orderToken": _TEXT, "status": _STATUS_WORD},
            {
                "carrier": _or_null(_text(maxLength=2000)),
                "trackingNumber": _or_null(_text(maxLength=128)),
                "trackingUrl": _or_null(_text(format="uri", maxLength=2000)),
                "expectedDate": _or_null(_DAY),
                "items": _or_null({"type": "array", "items": _DELIVERED, "maxItems": 2000}),
            },
        ),
        _object(
            {
                "eventType": {"const": "stock_updated"},
                **_ENVELOPE,
                "items": {
                    "type": "array",
                    "items": _object({"itemId": _ITEM_ID, "available": _NUMBER}, {"expectedDate": _or_null(_DAY)}),
                    "maxItems": 2000,
                },
            }
        ),
    ]
}
_RECEIPT = _object({"id": _text(format="uuid"), "duplicate": {"type": "boolean"}})
FEED = _object(
    {
        "links": _object({"next": _TEXT}),
        "meta": {"type": "object"},
        "data": {
            "type": "array",
            "items": _object({"id": _TEXT, "type": _TEXT, "timestamp": _TEXT, "attributes": {"type": "object"}}),
        },
    }
)

_SAME_PLACE = {name: f"$request.path.{name}" for name in ("country", "tenant")}
SUPPLIERS = "Suppliers"
_PLACE: Shape = {
    "country": {**_text(pattern="^[a-z]{2}$"), "description": "The tenant's country."},
    "tenant": {**_TEXT, "description": "The tenant's id; it must be the token's."},
}

order_data = Operation(
    id="getOrderData",
    summary="Read the supplier's part of an order",
    tag=SUPPLIERS,
    scope="supplier-orders:read",
    query={"ExternalId": {**_TEXT, "description": "The orderToken of an event, compared without case."}},
    needed=("ExternalId",),
    headers={"If-None-Match": _TEXT},
    answers={
        200: Answer(description="As it is now", schema=define("OrderData", ORDER_DATA), headers=("ETag",)),
        304: Answer(description="The caller has it already", headers=("ETag",)),
    },
    problems=(UnknownOrder,),
)
send = Operation(
    id="sendSupplierEvent",
    summary="Report order status, delivery or stock",
    tag=SUPPLIERS,
    scope="events",
    path=_PLACE,
    headers={"Event-Type": {**_text(enum=list(REPORTS)), "description": "The body's eventType."}},
    needed=("Event-Type",),
    body=Body(schema=define("SupplierEvent", SUPPLIER_EVENT)),
    answers={201: Answer(description="Kept; a repeat has the first one's id", schema=_RECEIPT)},
    problems=(NotFound, UnknownOrder),
)
receive = Operation(
    id="receiveSupplierEvents",
    summary="Ask for the supplier's events after the last one it has",
    tag=SUPPLIERS,
    scope="events",
    path=_PLACE,
    query={"lastEventId": {**_TEXT, "description": "The last event received; without it from the oldest kept."}},
    answers={
        200: Answer(
            description="At most 100, oldest first",
            schema=define("SupplierFeed", FEED),
            links={
                "receiveSupplierEvents": {**_SAME_PLACE, "lastEventId": "$response.body#/data/0/id"},
                "getOrderData": {"ExternalId": "$response.body#/data/0/attributes/orderToken"},
            },
        )
    },
    problems=(NotFound, EventsGone),
)
_STOCK_LEVEL = _object(
    {
        "itemId": _TEXT,
        "supplierId": _TEXT,
        "available": _NUMBER,
        "expectedDate": {"type": ["string", "null"]},
        "reportedAt": _text(format="date-time"),
    }
)
STOCK = _object({"stock": {"type": "array", "items": _STOCK_LEVEL}})
stock = Operation(
    id="getStock",
    summary="Read what suppliers last said of their stock",
    tag=SUPPLIERS,
    scope="customer-orders:read",
    query={"itemId": {"type": "array", "items": ID, "minItems": 1, "maxItems": 200}},
    needed=("itemId",),
    answers={200: Answer(description="One entry per item and supplier, in the order asked for", schema=STOCK)},
    problems=(ProxyMode,),
)
_MOMENT = _text(format="date-time")
_MOMENT_OR_NULL: Shape = {"type": ["string", "null"], "format": "date-time"}
_ATTEMPT = _object(
    {
        "number": {"type": "integer"},
        "startedAt": _MOMENT,
        "durationMs": {"type": "integer"},
        "outcome": _TEXT,
        "responseStatus": {"type": ["integer", "null"]},
        "response": {**_TEXT, "description": "The beginning of the receiver's answer."},
        "detail": _TEXT,
    }
)
_UUID = _text(format="uuid")
_DELIVERY = _object(
    {
        "id": _UUID,
        "webhookId": {**_TEXT, "description": "The webhook-id header, the same on every try."},
        "eventType": _TEXT,
        "orderToken": _TEXT,
        "sequence": {"type": "integer"},
        "status": _text(enum=list(Delivery.Status.values)),
        "createdAt": _MOMENT,
        "finishedAt": _MOMENT_OR_NULL,
        "nextAttemptAt": _MOMENT_OR_NULL,
        "error": {"type": ["string", "null"]},
        "attempts": {"type": "array", "items": _ATTEMPT},
    }
)
_PAGE = _object({"take": {"type": "integer"}, "next": {"type": "string"}, "hasMore": {"type": "boolean"}})
_DELIVERIES = _object({"deliveries": {"type": "array", "items": _DELIVERY}, "page": _PAGE})
_REDELIVERED = _object(
    {
        "deliveryId": _UUID,
        "sequence": {"type": "integer"},
        "outcome": _text(enum=["pending"]),
        "supersededBy": {"type": ["string", "null"]},
        "detail": _TEXT,
    }
)
deliveries = Operation(
    id="listSupplierDeliveries",
    summary="List the supplier's own webhook deliveries with their attempts",
    tag=SUPPLIERS,
    scope="events",
    path=_PLACE,
    query={
        "since": {**_MOMENT, "description": "Owed since then; behind the first, also a little older ones."},
        "status": _text(enum=list(Delivery.Status.values)),
        "cursor": CURSOR,
        "take": TAKE,
    },
    answers={
        200: Answer(
            description="Oldest first",
            schema=define("SupplierDeliveries", _DELIVERIES),
            links={
                "redeliver": {**_SAME_PLACE, "deliveryId": "$response.body#/deliveries/0/id"},
                "getOrderData": {"ExternalId": "$response.body#/deliveries/0/orderToken"},
            },
        )
    },
    problems=(NotFound, Throttled),
)
redeliver = Operation(
    id="redeliver",
    summary="Have one webhook delivery sent again",
    tag=SUPPLIERS,
    scope="events",
    path={**_PLACE, "deliveryId": {**_TEXT, "description": "Its id, or its webhook-id."}},
    answers={200: Answer(description="It is sent again, in its place", schema=_REDELIVERED)},
    problems=(NotFound, Conflict, Throttled),
)
