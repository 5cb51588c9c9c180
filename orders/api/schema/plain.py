"""The operations without a DRF view: the token endpoint, this document, and what watches the hub."""

from __future__ import annotations

from orders.api.schema.components import TEXT, TOKEN, TOKEN_ERROR, Json, define, listed, members
from orders.api.schema.operations import Answer, problem_responses
from orders.values.problems import Internal, NotAuthenticated, Unavailable

WATCHING = "Watching the hub"

_NUMBER_OR_NULL: Json = {"type": ["number", "null"], "minimum": 0}
_READY = define(
    "Readiness", members({"status": {"enum": ["ready", "not ready"]}, "failing": listed(TEXT)}, optional=("failing",))
)
_PROGRESS = define(
    "Progress",
    members(
        {
            "status": {"enum": ["moving", "stuck", "unknown"]},
            "limitSeconds": {"type": "number"},
            "oldestDueSeconds": members({"events": _NUMBER_OR_NULL, "deliveries": _NUMBER_OR_NULL}),
        },
        optional=("limitSeconds", "oldestDueSeconds"),
    ),
)
_GRANT: Json = {
    "type": "object",
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "scope": TEXT,
        "client_id": TEXT,
        "client_secret": TEXT,
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        "client_assertion": TEXT,
    },
    "required": ["grant_type"],
}
"""What the form holds beyond these is ignored (RFC 6749, section 3.2)."""


def _token() -> Json:
    form = {"application/x-www-form-urlencoded": {"schema": _GRANT}}
    refused = Answer(description="RFC 6749, section 5.2", schema=TOKEN_ERROR)
    return {
        "operationId": "fetchToken",
        "summary": "Fetch an access token",
        "description": "OAuth 2.0 client credentials. The client authenticates by Basic or with client_id and "
        "client_secret in the form, or by a signed client_assertion (private_key_jwt). Without scope the token has all "
        "scopes of the client.",
        "tags": ["Tokens"],
        "security": [],
        "requestBody": {"required": True, "content": form},
        "responses": {
            "200": Answer(description="The token", schema=TOKEN).as_json(),
            "400": refused.as_json(),
            "401": Answer(description="invalid_client", schema=TOKEN_ERROR, headers=("WWW-Authenticate",)).as_json(),
            "413": refused.as_json(),
            "429": Answer(
                description="Too many failures of this client id from this address",
                schema=TOKEN_ERROR,
                headers=("Retry-After",),
            ).as_json(),
            **problem_responses(Internal, Unavailable),
        },
    }


def _read(name: str, summary: str, answers: dict[int, Answer], *, security: list[Json] | None = None) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "tags": [WATCHING],
        "security": security or [],
        "responses": {str(status): answer.as_json() for status, answer in answers.items()},
    }


def plain_paths() -> Json:
    """Path items of the addresses that are plain Django views."""
    watcher: list[Json] = [{}, {"metrics": []}]
    alive = Answer(description="This process answers", schema=members({"status": {"const": "alive"}}))
    ready = {status: Answer(description=said, schema=_READY) for status, said in ((200, "Yes"), (503, "No"))}
    moving = {status: Answer(description=said, schema=_PROGRESS) for status, said in ((200, "Moving"), (503, "Stuck"))}
    figures = {
        200: Answer(description="Prometheus text", schema=TEXT, media_type="text/plain"),
    }
    metrics = _read("getMetrics", "Figures for Prometheus", figures, security=watcher)
    metrics["responses"] |= problem_responses(NotAuthenticated, Unavailable)
    document = {200: Answer(description="OpenAPI 3.1", schema={"type": "object"})}
    return {
        "/oauth2/token": {"post": _token()},
        "/schemas/v1/openapi.json": {"get": _read("getOpenApi", "This document", document)},
        "/livez": {"get": _read("getLiveness", "Is this process alive?", {200: alive})},
        "/readyz": {"get": _read("getReadiness", "Can this process accept work?", ready)},
        "/healthz": {"get": _read("getProgress", "Does the work move?", moving, security=watcher)},
        "/metrics": {"get": metrics},
    }
