"""How the suppliers' endpoints appear in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

Shape = dict[str, Any]


def _text(**more: Any) -> Shape:
    return {"type": "string", **more}


def _object(required: Shape, optional: Shape | None = None) -> Shape:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


_NUMBER: Shape = {"type": "number"}
_TEXT = _text()
_PROBLEM = _object(
    {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "correlationId": _TEXT}
)
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
_DAY = _text(examples=["2026-11-20"], maxLength=64)
SUPPLIER_EVENT: Shape = {
    "oneOf": [
        _object(
            {"eventType": {"const": "order_status_updated"}, **_ENVELOPE, "orderToken": _TEXT, "status": _STATUS_WORD},
            {"comment": _text(maxLength=2000)},
        ),
        _object(
            {"eventType": {"const": "delivery_updated"}, **_ENVELOPE, "orderToken": _TEXT, "status": _STATUS_WORD},
            {
                "carrier": _text(maxLength=2000),
                "trackingNumber": _text(maxLength=128),
                "trackingUrl": _text(format="uri", maxLength=2000),
                "expectedDate": _DAY,
                "items": {"type": "array", "items": _object({"itemId": _ITEM_ID}), "maxItems": 2000},
            },
        ),
        _object(
            {
                "eventType": {"const": "stock_updated"},
                **_ENVELOPE,
                "items": {
                    "type": "array",
                    "items": _object({"itemId": _ITEM_ID, "available": _NUMBER}, {"expectedDate": _DAY}),
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


def _problems(*statuses: int) -> dict[tuple[int, str], Shape]:
    return {(status, "application/problem+json"): _PROBLEM for status in statuses}


def _query(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.QUERY, required=required, description=description)


_EVENT_TYPE = OpenApiParameter(
    "Event-Type",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    enum=["order_status_updated", "delivery_updated", "stock_updated"],
    description="The body's eventType.",
)

order_data = extend_schema(
    operation_id="getOrderData",
    summary="The supplier's part of an order as it is now",
    parameters=[_query("ExternalId", "The orderToken of an event, compared without case.", required=True)],
    responses={(200, "application/json"): ORDER_DATA, 304: None, **_problems(400, 401, 403, 404)},
)
send = extend_schema(
    operation_id="sendSupplierEvent",
    summary="Report order status, delivery or stock",
    parameters=[_EVENT_TYPE],
    request={"application/json": SUPPLIER_EVENT},
    responses={(201, "application/json"): _RECEIPT, **_problems(400, 401, 403, 404, 413, 415)},
)
receive = extend_schema(
    operation_id="receiveSupplierEvents",
    summary="The supplier's events after the last one it has",
    parameters=[_query("lastEventId", "The id of the last event received; without it from the oldest kept.")],
    responses={(200, "application/json"): FEED, **_problems(400, 401, 403, 404, 410, 503)},
)
