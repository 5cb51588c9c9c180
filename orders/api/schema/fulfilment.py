"""How ``fulfilment`` appears in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from orders.api.schema.components import TEXT, Json, define, listed, members
from orders.api.schema.core import ORDER, ORDERS
from orders.api.schema.operations import Answer, Operation
from orders.values.problems import ProxyMode, UnknownOrder

TEXT_OR_NULL: Json = {"type": ["string", "null"]}
YES_OR_NO: Json = {"type": "boolean"}

_PARCEL = members(
    {
        "status": TEXT,
        "carrier": TEXT_OR_NULL,
        "trackingNumber": TEXT_OR_NULL,
        "trackingUrl": TEXT_OR_NULL,
        "expectedDate": TEXT_OR_NULL,
    }
)
_SUPPLIER = members(
    {
        "supplierId": TEXT,
        "items": listed(TEXT),
        "told": YES_OR_NO,
        "fetched": YES_OR_NO,
        "status": TEXT_OR_NULL,
        "deliveries": listed(_PARCEL),
    }
)
_DESPATCH = members(
    {"reference": TEXT, "courier": TEXT_OR_NULL, "trackingUrl": TEXT_OR_NULL, "completed": TEXT_OR_NULL}
)
_WAREHOUSE = members(
    {
        "channelId": TEXT,
        "reference": TEXT_OR_NULL,
        "state": {"type": "string", "enum": ["waiting", "imported", "failed", "cancelled"]},
        "failure": TEXT_OR_NULL,
        "despatches": listed(_DESPATCH),
    }
)
FULFILMENT = define(
    "Fulfilment",
    members({"fulfilment": members({"suppliers": listed(_SUPPLIER), "warehouses": listed(_WAREHOUSE)})}),
)

get_fulfilment: Final = Operation(
    id="getFulfilment",
    summary="Read what became of one order at suppliers and warehouses",
    tag=ORDERS,
    scope="customer-orders:read",
    path=ORDER,
    answers={200: Answer(description="As it is now", schema=FULFILMENT)},
    problems=(UnknownOrder, ProxyMode),
)
