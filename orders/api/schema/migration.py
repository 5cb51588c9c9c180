"""How loading and listing orders appear in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from orders.api.schema.components import UUID, Json, define, listed, members, ref
from orders.api.schema.core import ID, ORDERS
from orders.api.schema.operations import Answer, Body, Operation
from orders.values.problems import BusinessUnitNotAllowed, IdempotencyKeyReused, NotMigrating, ProxyMode

NDJSON = "application/x-ndjson"

KEY: Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": "^[!-~]+$",
    "description": "Kept for 24 hours; the same key with the same body stores nothing again.",
}
_LINE = define(
    "LoadAnswerLine",
    {
        "description": "One line of the answer to a load; the lines come in the order of the body's.",
        "oneOf": [
            members(
                {
                    "line": {"type": "integer", "minimum": 1},
                    "status": {"const": 202},
                    "eventId": UUID,
                    "sequence": {"type": "integer", "minimum": 1},
                }
            ),
            members(
                {
                    "line": {"type": "integer", "minimum": 1},
                    "status": {"type": "integer", "enum": [400, 403, 413]},
                    "errors": listed(ref("Fault")),
                }
            ),
        ],
    },
)
_BODY: Json = {
    "type": "string",
    "description": "One JSON object {businessUnitId, customerOrder} per line, at most 1,000 lines and 16 MiB: see the "
    "schema LoadLine.",
}
_ANSWER: Json = {"type": "string", "description": "One JSON object per line: see the schema LoadAnswerLine."}

load_orders: Final = Operation(
    id="loadCustomerOrders",
    summary="Send up to 1,000 orders at once",
    tag=ORDERS,
    scope="customer-orders:write",
    headers={"Idempotency-Key": KEY},
    body=Body(schema=_BODY, media_type=NDJSON),
    answers={200: Answer(description="What became of each line", schema=_ANSWER, media_type=NDJSON)},
    problems=(ProxyMode, IdempotencyKeyReused),
)

_COUNT: Json = {"type": "integer", "minimum": 0}
_LISTED: Json = members({"orders": listed(members({"businessUnitId": ID, "customerOrderId": ID}))})

list_known: Final = Operation(
    id="listKnownOrders",
    summary="List orders that your own system has",
    tag="Migration",
    scope="customer-orders:write",
    body=Body(schema=_LISTED, example={"orders": [{"businessUnitId": "store-1", "customerOrderId": "1001"}]}),
    answers={
        200: Answer(description="How many are known now", schema=members({"known": _COUNT, "added": _COUNT})),
    },
    problems=(ProxyMode, BusinessUnitNotAllowed, NotMigrating),
)
