"""Every error the HTTP API answers with, RFC 9457 (``application/problem+json``). Meanings: docs/reference/errors.md.

Plain exceptions and no library's, because code below the views raises them and middleware answers them too.

Problem
  InvalidBody 400 · InvalidParameter 400 · InvalidId 400
  NotAuthenticated 401
  ScopeMissing 403 · BusinessUnitNotAllowed 403 · TenantMismatch 403
  NotFound 404 · UnknownOrder 404 · UnknownEvent 404 · UnknownChannel 404 · UnknownProduct 404
  MethodNotAllowed 405 · ProxyMode 405
  Conflict 409 · IdempotencyKeyReused 409 · NotMigrating 409
  PreconditionFailed 412
  TooLarge 413 · UnsupportedMediaType 415
  VerificationFailed 422
  Throttled 429
  ExternalContract 502 · ExternalUnavailable 502 · ExternalBusy 503 · ProxyNotConfigured 503 · ExternalTimeout 504
  Unavailable 503
  Internal 500
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

POINTER_LONGEST = 300
"""Characters shown of a pointer: the names in it are the sender's, and may be as long as the body."""
FAULTS_MOST = 100
"""Faults listed in one answer, as many as of a document (orders.documents.checks), and a line that counts the rest."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a body: where (RFC 6901 JSON pointer) and what, in plain words."""

    pointer: str
    detail: str

    def as_json(self) -> dict[str, str]:
        cut = "…" if len(self.pointer) > POINTER_LONGEST else ""
        return {"pointer": self.pointer[:POINTER_LONGEST] + cut, "detail": self.detail}


class Problem(Exception):
    """An error with a name, raised anywhere below a view and rendered at the edge."""

    name: ClassVar[str] = "internal"
    title: ClassVar[str] = "The hub failed to answer"
    status: ClassVar[int] = 500

    def __init__(
        self, detail: str = "", *, errors: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = listed(tuple(errors))
        self.headers = dict(headers or {})

    def as_json(self, correlation_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:orderhub:problem:{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "correlationId": correlation_id,
        }
        if self.errors:
            body["errors"] = [fault.as_json() for fault in self.errors]
        return body


def listed(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """All of them, or the first ones and how many more there are."""
    if len(faults) <= FAULTS_MOST + 1:
        return faults
    return (*faults[:FAULTS_MOST], Fault("", f"{len(faults) - FAULTS_MOST:,} more, not listed"))


class Internal(Problem):
    """A fault of ours; the log has the stack under the correlation id."""


class InvalidBody(Problem):
    name, title, status = "invalid-body", "The request body is not valid", 400


class InvalidParameter(Problem):
    name, title, status = "invalid-parameter", "A query parameter or header is not valid", 400


class InvalidId(Problem):
    name, title, status = "invalid-id", "An id in the path is not valid", 400


class NotAuthenticated(Problem):
    name, title, status = "not-authenticated", "A valid access token is needed", 401


class ScopeMissing(Problem):
    name, title, status = "scope-missing", "The token lacks the scope for this", 403


class BusinessUnitNotAllowed(Problem):
    name, title, status = "business-unit-not-allowed", "The token is not valid for this business unit", 403


class TenantMismatch(Problem):
    name, title, status = "tenant-mismatch", "The Tenant-Id header is not the token's tenant", 403


class NotFound(Problem):
    name, title, status = "not-found", "There is nothing at this address", 404


class UnknownOrder(Problem):
    name, title, status = "unknown-order", "There is no such order", 404


class UnknownEvent(Problem):
    name, title, status = "unknown-event", "There is no such order event", 404


class UnknownChannel(Problem):
    name, title, status = "unknown-channel", "There is no such OrderFlow channel", 404


class UnknownProduct(Problem):
    name, title, status = "unknown-product", "There is no such product", 404


class MethodNotAllowed(Problem):
    name, title, status = "method-not-allowed", "This address does not answer this method", 405


class ProxyMode(Problem):
    name, title, status = "proxy-mode", "Not available in the tenant's present mode", 405


class Conflict(Problem):
    name, title, status = "conflict", "The request does not fit the present state", 409


class IdempotencyKeyReused(Problem):
    name, title, status = "idempotency-key-reused", "The Idempotency-Key belongs to another body", 409


class NotMigrating(Problem):
    name, title, status = "not-migrating", "The tenant is not migrating", 409


class PreconditionFailed(Problem):
    name, title, status = "precondition-failed", "The order is not in the state that the request names", 412


class TooLarge(Problem):
    name, title, status = "too-large", "The request body is too large", 413


class UnsupportedMediaType(Problem):
    name, title, status = "unsupported-media-type", "The request body has the wrong content type", 415


class VerificationFailed(Problem):
    name, title, status = "verification-failed", "The settings were tried and do not work; nothing was stored", 422


class Throttled(Problem):
    name, title, status = "throttled", "Too many requests", 429


class Unavailable(Problem):
    name, title, status = "unavailable", "The hub cannot answer just now", 503

    def __init__(self, detail: str = "", *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class ExternalContract(Problem):
    name, title, status = "external-contract", "The external service's answer breaks the contract", 502


class ExternalUnavailable(Problem):
    name, title, status = "external-unavailable", "The external service could not be used", 502


class ExternalBusy(Problem):
    name, title, status = "external-busy", "The external service is not ready; try again later", 503


class ProxyNotConfigured(Problem):
    name, title, status = "proxy-not-configured", "The external service's credentials are not set", 503


class ExternalTimeout(Problem):
    name, title, status = "external-timeout", "The external service did not answer in time", 504
