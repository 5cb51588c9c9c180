"""How ``proxy-config`` appears in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from orders.api.schema import Answer, Body, Operation, define
from orders.values.problems import Conflict, NotFound, VerificationFailed
from proxy.bodies import LONGEST

Shape = dict[str, Any]

PROXY = "Proxy configuration"
SCOPE = "proxy-config:write"

_TEXT: Shape = {"type": "string"}
_MOMENT: Shape = {"type": "string", "format": "date-time"}


_VALUE: Shape = {**_TEXT, "minLength": 1, "maxLength": LONGEST, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"}
_NARROWER: Shape = {
    "username": {"pattern": r"^[^:\u0000-\u001f\u007f-\u009f]*$"},
    "authUrl": {"format": "uri", "pattern": "^https?://"},
}


def _closed(properties: Shape, *, optional: tuple[str, ...] = ()) -> Shape:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _config(kind: str, *names: str) -> Shape:
    members = {name: {**_VALUE, **_NARROWER.get(name, {})} for name in names}
    return _closed({"type": {"const": kind}, "config": _closed(members)})


_STEP = define(
    "VerificationStep",
    _closed({"step": _TEXT, "ok": {"type": "boolean"}, "ms": {"type": "integer", "minimum": 0}, "detail": _TEXT}),
)
_STEPS: Shape = {"type": "array", "items": _STEP}
_WANTED = define(
    "ProxyConfig",
    {"oneOf": [_config("basic", "username", "password"), _config("oauth2", "clientId", "clientSecret", "authUrl")]},
)
_STORED = define(
    "StoredProxyConfig",
    _closed(
        {"type": {"enum": ["basic", "oauth2"]}, "config": {"type": "object"}, "verification": _STEPS},
        optional=("verification",),
    ),
)
_DRIFT = define(
    "Drift",
    _closed(
        {
            "pointer": _TEXT,
            "expected": _TEXT,
            "found": _TEXT,
            "firstSeen": _MOMENT,
            "lastSeen": _MOMENT,
            "count": {"type": "integer", "minimum": 1},
        }
    ),
)

get_config = Operation(
    id="getProxyConfig",
    summary="Read the configuration of the external service",
    tag=PROXY,
    scope=SCOPE,
    answers={200: Answer(description="As stored, secrets masked", schema=_STORED)},
    problems=(NotFound,),
)
put_config = Operation(
    id="putProxyConfig",
    summary="Set the credentials of the external service",
    tag=PROXY,
    scope=SCOPE,
    query={"verify": {"type": "string", "enum": ["true", "false"]}},
    body=Body(schema=_WANTED, example={"type": "basic", "config": {"username": "hub", "password": "correct horse"}}),
    answers={200: Answer(description="As stored, secrets masked", schema=_STORED)},
    problems=(Conflict, VerificationFailed),
)
get_drift = Operation(
    id="getContractDrift",
    summary="Read where the external service leaves the contract",
    tag=PROXY,
    scope=SCOPE,
    answers={
        200: Answer(description="What was seen", schema=_closed({"drift": {"type": "array", "items": _DRIFT}})),
    },
)
