"""The core's operations: customer orders and their events (docs/reference/api.md#operations)."""

from __future__ import annotations

from typing import Final

from orders.api.parameters import DEFAULT_TAKE, NO_LIMIT
from orders.api.schema.components import (
    MOMENT,
    ORDER_EVENT,
    TEXT,
    UUID,
    UUID_OR_NULL,
    Json,
    define,
    listed,
    members,
    ref,
)
from orders.api.schema.operations import Answer, Body, Operation
from orders.documents import SEARCH_BODY
from orders.models import OrderEvent
from orders.values.problems import (
    Conflict,
    ExternalBusy,
    ExternalContract,
    ExternalTimeout,
    ExternalUnavailable,
    ProxyMode,
    ProxyNotConfigured,
    UnknownEvent,
    UnknownOrder,
)

ORDERS, EVENTS = "Customer orders", "Order events"
READ_THROUGH = (ExternalContract, ExternalUnavailable, ExternalBusy, ProxyNotConfigured, ExternalTimeout)
"""What a read may answer while the tenant's orders are read from its own system."""

ID: Json = {
    name: rule for name, rule in SEARCH_BODY.json_schema()["properties"]["customerId"].items() if name != "title"
}
"""An id by the one rule for ids (docs/reference/api.md#ids)."""
CURSOR: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$", "description": "From page.next; opaque."}
TAKE: Json = {"type": "integer", "minimum": 1, "maximum": 200, "default": DEFAULT_TAKE}
SKIP: Json = {"type": "integer", "minimum": 0, "maximum": NO_LIMIT, "default": 0}
UNIT: Json = {"businessUnitId": ID}
ORDER: Json = {**UNIT, "customerOrderId": ID}
EVENT: Json = {"eventId": UUID}

_SAME_UNIT = {"businessUnitId": "$request.path.businessUnitId"}
_SAME_ORDER = {**_SAME_UNIT, "customerOrderId": "$request.path.customerOrderId"}
_READS = dict.fromkeys(("getCustomerOrder", "getFulfilment"), _SAME_ORDER)
_FIRST_FOUND = {**_SAME_UNIT, "customerOrderId": "$response.body#/customerOrders/0/customerOrderId"}
_VERBS = ("getOrderEvent", "previewOrderEvent", "retryOrderEvent", "discardOrderEvent")
_FIRST_EVENT = {"eventId": "$response.body#/orderEvents/0/eventId"}

EXAMPLE = {
    "customerOrder": {
        "customerOrderId": "1001",
        "customerId": "111",
        "status": "CREATED",
        "items": [{"itemId": "BEAN-1", "quantityOrdered": 2, "unitPrice": 19.95}],
    }
}

ACCEPTED = define(
    "AcceptedEvent",
    members({"eventId": UUID, "sequence": {"type": "integer", "minimum": 1}, "status": {"const": "pending"}}),
)
FOUND = define(
    "CustomerOrderPage",
    members(
        {
            "customerOrders": listed(members({"customerOrderId": TEXT, "customerId": TEXT, "status": TEXT})),
            "page": members({"skip": SKIP, "take": TAKE, "hasMore": {"type": "boolean"}}),
        }
    ),
)
EVENT_LIST = define(
    "OrderEventList",
    members(
        {
            "orderEvents": listed(ORDER_EVENT),
            "page": members({"take": TAKE, "next": {"type": "string"}, "hasMore": {"type": "boolean"}}),
        }
    ),
)
OUTCOMES = ("would_apply", "would_supersede", "would_fail", "pending", "superseded", "discarded")
OUTCOME = define(
    "OrderEventOutcome",
    members(
        {
            "eventId": UUID,
            "sequence": {"type": "integer", "minimum": 1},
            "outcome": {"type": "string", "enum": list(OUTCOMES)},
            "supersededBy": UUID_OR_NULL,
            "detail": TEXT,
        }
    ),
)
_REASON: Json = {"type": "string", "maxLength": 2_000, "pattern": r"^[^\u0000]*$"}
REASON = Body(schema=members({"reason": _REASON}, optional=("reason",)), required=False)


def _verb(name: str, summary: str) -> Operation:
    return Operation(
        id=f"{name}OrderEvent",
        summary=summary,
        tag=EVENTS,
        scope="order-events:operate",
        path=EVENT,
        body=REASON,
        answers={200: Answer(description="What became of it, or would", schema=OUTCOME)},
        problems=(UnknownEvent, Conflict, ProxyMode),
    )


class documented:  # noqa: N801  # a namespace read as a word where it decorates
    get_order: Final = Operation(
        id="getCustomerOrder",
        summary="Read one order",
        tag=ORDERS,
        scope="customer-orders:read",
        path=ORDER,
        headers={"If-None-Match": TEXT},
        answers={
            200: Answer(
                description="The order", schema=ref("CustomerOrderEnvelope"), headers=("ETag", "Orderhub-Sequence")
            ),
            304: Answer(description="The caller has it already", headers=("ETag", "Orderhub-Sequence")),
        },
        problems=(UnknownOrder, *READ_THROUGH),
    )
    put_order: Final = Operation(
        id="putCustomerOrder",
        summary="Send one order",
        tag=ORDERS,
        scope="customer-orders:write",
        path=ORDER,
        body=Body(schema=ref("CustomerOrderEnvelope"), example=EXAMPLE),
        answers={
            202: Answer(
                description="Stored durably for processing",
                schema=ACCEPTED,
                headers=("Location",),
                links={"getOrderEvent": {"eventId": "$response.body#/eventId"}, **_READS},
            )
        },
        problems=(ProxyMode,),
    )
    search_orders: Final = Operation(
        id="searchCustomerOrders",
        summary="Search orders",
        tag=ORDERS,
        scope="customer-orders:read",
        path=UNIT,
        query={"skip": SKIP, "take": TAKE},
        body=Body(schema=ref("CustomerOrderSearch"), example={"customerId": "111"}),
        answers={
            200: Answer(
                description="One page, newest reception first",
                schema=FOUND,
                links={"getCustomerOrder": _FIRST_FOUND, "getFulfilment": _FIRST_FOUND},
            )
        },
        problems=READ_THROUGH,
    )
    list_events: Final = Operation(
        id="listOrderEvents",
        summary="List accepted events",
        tag=EVENTS,
        scope="customer-orders:write",
        query={
            "customerOrderId": ID,
            "businessUnitId": ID,
            "status": {"type": "string", "enum": list(OrderEvent.Status.values)},
            "since": MOMENT,
            "cursor": CURSOR,
            "take": TAKE,
        },
        answers={
            200: Answer(
                description="One page, oldest first",
                schema=EVENT_LIST,
                links=dict.fromkeys(_VERBS, _FIRST_EVENT)
                | {"listOrderEvents": {"cursor": "$response.body#/page/next"}},
            )
        },
    )
    get_event: Final = Operation(
        id="getOrderEvent",
        summary="Read the fate of one event",
        tag=EVENTS,
        scope="customer-orders:write",
        path=EVENT,
        answers={200: Answer(description="Its fate", schema=ORDER_EVENT)},
        problems=(UnknownEvent,),
    )
    preview_event: Final = _verb("preview", "Say what a retry of a dead event would do")
    retry_event: Final = _verb("retry", "Retry a dead event")
    discard_event: Final = _verb("discard", "Set a dead event aside for good")
