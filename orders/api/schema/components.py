"""The parts that operations share: schemas, parameters, headers, ways to authenticate."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from orders.documents import LOAD_LINE, ORDER_ENVELOPE, SEARCH_BODY
from orders.models import OrderEvent
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
MOMENT: Json = {"type": "string", "format": "date-time"}
UUID: Json = {"type": "string", "format": "uuid"}
MOMENT_OR_NULL: Json = {"type": ["string", "null"], "format": "date-time"}
UUID_OR_NULL: Json = {"type": ["string", "null"], "format": "uuid"}

_schemas: dict[str, Json] = {}


def ref(name: str) -> Json:
    """A reference to the schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def define(name: str, schema: Json) -> Json:
    """Give a schema its name in the document, once; returns the reference to it."""
    if _schemas.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas are called {name}")
    return ref(name)


def members(properties: Json, *, optional: tuple[str, ...] = ()) -> Json:
    """An object with these members and no others; all are required but the optional ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def listed(items: Json) -> Json:
    return {"type": "array", "items": items}


FAULT = define("Fault", members({"pointer": TEXT, "detail": TEXT}))
PROBLEM = define(
    "Problem",
    {
        "type": "object",
        "description": "RFC 9457. The names, their causes and next steps: docs/reference/errors.md.",
        "properties": {
            "type": {"type": "string", "pattern": "^urn:orderhub:problem:[a-z-]+$"},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "correlationId": TEXT,
            "errors": listed(FAULT),
        },
        "required": ["type", "title", "status", "detail", "correlationId"],
    },
)
ORDER_EVENT = define(
    "OrderEvent",
    members(
        {
            "eventId": UUID,
            "sequence": {"type": "integer", "minimum": 1},
            "customerOrderId": TEXT,
            "businessUnitId": TEXT,
            "status": {"type": "string", "enum": list(OrderEvent.Status.values)},
            "changed": {"type": ["boolean", "null"]},
            "attempts": {"type": "integer", "minimum": 0},
            "receivedAt": MOMENT,
            "nextAttemptAt": MOMENT_OR_NULL,
            "finishedAt": MOMENT_OR_NULL,
            "error": {"type": ["string", "null"]},
            "waitingBehind": UUID_OR_NULL,
            "supersededBy": UUID_OR_NULL,
            "correlationId": TEXT,
        }
    ),
)
TOKEN = define(
    "Token",
    members(
        {
            "access_token": TEXT,
            "token_type": {"const": "Bearer"},
            "expires_in": {"type": "integer"},
            "scope": TEXT,
        }
    ),
)
TOKEN_ERROR = define(
    "TokenError",
    {
        "type": "object",
        "description": "RFC 6749, section 5.2.",
        "properties": {"error": TEXT, "error_description": TEXT},
        "required": ["error"],
    },
)

PARAMETERS: dict[str, Json] = {
    "CorrelationId": {
        "name": "Correlation-Id",
        "in": "header",
        "description": "Taken when it is 1 to 128 of A-Z a-z 0-9 . _ : -, else a new one is made.",
        "schema": TEXT,
    },
    "TenantId": {
        "name": "Tenant-Id",
        "in": "header",
        "description": "The tenant comes from the token; a header that disagrees with it is refused.",
        "schema": TEXT,
    },
}

HEADERS: dict[str, Json] = {
    "Correlation-Id": {"description": "The request's, or the one made for it.", "required": True, "schema": TEXT},
    "Location": {"description": "Where the fate of the event can be read.", "required": True, "schema": TEXT},
    "ETag": {"description": "Of orders that the hub stores; for If-None-Match.", "schema": TEXT},
    "Orderhub-Sequence": {
        "description": "The last applied sequence, of orders that the hub stores.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "required": True, "schema": TEXT},
    "Allow": {
        "description": "The methods this address answers in the tenant's mode; empty: none.",
        "required": True,
        "schema": TEXT,
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
}


def security_schemes() -> Json:
    clients: Json = {
        "type": "oauth2",
        "description": "Client credentials. A token belongs to one API client of one tenant or supplier.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": f"{settings.HUB_PUBLIC_URL}/oauth2/token",
                "scopes": TENANT_SCOPES | SUPPLIER_SCOPES,
            }
        },
    }
    return {
        "clients": clients,
        "metrics": {"type": "http", "scheme": "bearer", "description": "HUB_METRICS_TOKEN; not needed from loopback."},
    }


def components() -> Json:
    """All shared parts, with the order's own schemas as orders.documents has them."""
    documents: Json = {}
    own = (("CustomerOrderEnvelope", ORDER_ENVELOPE), ("CustomerOrderSearch", SEARCH_BODY), ("LoadLine", LOAD_LINE))
    for name, schema in own:
        whole = _untitled(schema.json_schema())
        documents |= whole.pop("$defs", {})
        documents[name] = whole
    return {
        "schemas": dict(sorted((_schemas | documents).items())),
        "parameters": PARAMETERS,
        "headers": HEADERS,
        "securitySchemes": security_schemes(),
    }


def _untitled(schema: Any) -> Any:
    """Without the titles that are the members' names once more."""
    if isinstance(schema, list):
        return [_untitled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _untitled(part) for name, part in schema.items() if name != "title" or not isinstance(part, str)}
