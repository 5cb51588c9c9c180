"""The operations without a DRF view: the token endpoint, this document, and what watches the hub."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from orders.api.schema.components import Json
from orders.api.schema.operations import Answer, Body, Components, PlainOperation
from orders.documents.value_types import Model, OpenModel, member, optional
from orders.values.problems import Internal, NotAuthenticated, Unavailable

JwtBearer = Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
Seconds = Annotated[float, Field(ge=0)]
Figures = Annotated[str, member("Prometheus text.", "orderhub_backlog 0\n")]
Document = Annotated[dict[str, Any], member("OpenAPI 3.1.", {"openapi": "3.1.1"})]

WATCHING = "Watching the hub"
BY_SECRET: Json = {
    "grant_type": "client_credentials",
    "client_id": "acme-pos",
    "client_secret": "correct horse battery",
}


class _OAuth(OpenModel):
    """OAuth writes names with underscores."""

    model_config = ConfigDict(alias_generator=None)


class TokenRequest(_OAuth):
    """What the form holds beyond these is ignored (RFC 6749, section 3.2)."""

    model_config = ConfigDict(json_schema_extra={"examples": [BY_SECRET]})

    grant_type: Literal["client_credentials"] = member("The only grant there is.")
    scope: str = optional("Scopes wanted, separated by blanks; without it all of the client's.", "customer-orders:read")
    client_id: str = optional("The client, unless Basic or the assertion names it.", "acme-pos")
    client_secret: str = optional("Its secret, unless in Basic.", "correct horse battery")
    client_assertion_type: JwtBearer = optional("With `client_assertion`.")
    client_assertion: str = optional("A JWT that the client signed (private_key_jwt).", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln")


class Token(_OAuth):
    model_config = ConfigDict(extra="forbid")

    access_token: str = member("Sent as `Authorization: Bearer …`.", "pN3vZ0kq7JtHcW5yXa1LrU8e")
    token_type: Literal["Bearer"] = member("How it is sent.")
    expires_in: int = member("Seconds for which it is valid.", 3600)
    scope: str = member("What it allows, separated by blanks.", "customer-orders:read")


class TokenError(_OAuth):
    """RFC 6749, section 5.2."""

    error: str = member("The error's code.", "invalid_client")
    error_description: str = optional("What is wrong.", "The client is unknown.")


class Liveness(Model):
    status: Literal["alive"] = member("It does.")


class Readiness(Model):
    status: Literal["ready", "not ready"] = member("Whether it can.")
    failing: list[str] = optional("What it needs and has not got.", ["database"])


class OldestDue(Model):
    events: Seconds | None = member("Of order events; null where none is due.", 0.4)
    deliveries: Seconds | None = member("Of deliveries; null where none is due.", None)


class Progress(Model):
    status: Literal["moving", "stuck", "unknown"] = member("Whether it does.")
    limit_seconds: float = optional("The age at which work counts as stuck.", 60)
    oldest_due_seconds: OldestDue = optional("Age of the oldest due row of each kind, in seconds.")


OPERATIONS = {
    "/oauth2/token": PlainOperation(
        id="fetchToken",
        summary="Fetch an access token",
        description="OAuth 2.0 client credentials. The client authenticates by Basic or with client_id and "
        "client_secret in the form, or by a signed client_assertion (private_key_jwt). Without scope the token has all "
        "scopes of the client.",
        tag="Tokens",
        body=Body(TokenRequest, media_type="application/x-www-form-urlencoded"),
        answers={
            200: Answer("The token", Token),
            400: Answer("RFC 6749, section 5.2", TokenError),
            401: Answer("invalid_client", TokenError, headers=("WWW-Authenticate",)),
            413: Answer("RFC 6749, section 5.2", TokenError),
            429: Answer(
                "Too many failures of this client id from this address",
                TokenError,
                headers=("Retry-After",),
            ),
        },
        problems=(Internal, Unavailable),
    ),
    "/schemas/v1/openapi.json": PlainOperation(
        id="getOpenApi",
        summary="This document",
        description="The whole API; the page /docs shows it.",
        tag=WATCHING,
        answers={200: Answer("OpenAPI 3.1", Document)},
    ),
    "/livez": PlainOperation(
        id="getLiveness",
        summary="Is this process alive?",
        description="Answers without asking anybody else.",
        tag=WATCHING,
        answers={200: Answer("This process answers", Liveness)},
    ),
    "/readyz": PlainOperation(
        id="getReadiness",
        summary="Can this process accept work?",
        description="Looks at database, schema and keys; not at Redis and not at the workers.",
        tag=WATCHING,
        answers={status: Answer(said, Readiness) for status, said in ((200, "Yes"), (503, "No"))},
    ),
    "/healthz": PlainOperation(
        id="getProgress",
        summary="Does the work move?",
        description="It does while the oldest due row of each kind is younger than HUB_PROGRESS_LIMIT_SECONDS.",
        tag=WATCHING,
        answers={status: Answer(said, Progress) for status, said in ((200, "Moving"), (503, "Stuck"))},
    ),
    "/metrics": PlainOperation(
        id="getMetrics",
        summary="Figures for Prometheus",
        description="Read from the database, so that every process answers the same.",
        tag=WATCHING,
        answers={200: Answer("Prometheus text", Figures, media_type="text/plain")},
        problems=(NotAuthenticated, Unavailable),
    ),
}


def plain_paths(parts: Components) -> Json:
    """Path items of the addresses that are plain Django views."""
    paths: Json = {path: operation.as_json(parts) for path, operation in OPERATIONS.items()}
    for path in ("/healthz", "/metrics"):
        paths[path]["security"] = [{}, {"metrics": []}]
    return {path: {"post" if path == "/oauth2/token" else "get": found} for path, found in paths.items()}
