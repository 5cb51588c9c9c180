"""Who is calling: Bearer tokens looked up by checksum, with a short memory per process.

The toolkit's own authentication class costs more than the whole PUT, so this reads its token table.
Revocation, changed scopes and stopped clients or tenants take effect when the memory ends, well within the 5
seconds of docs/reference/api.md#tokens.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from django.utils import timezone
from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from orders.models import ApiClient, Tenant
from orders.values.problems import NotAuthenticated

REMEMBER_SECONDS = 2.0
"""Less than half of the 5 s within which a revocation must count."""
REMEMBER_MOST = 10_000
"""Tokens remembered per process; beyond that the memory is emptied, which costs one query per live token. A dictionary,
because its look-ups are atomic: cachetools' are not, and every request would queue for one lock."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated API client with what its token allows."""

    client: ApiClient
    tenant: Tenant
    scopes: frozenset[str]
    business_units: frozenset[str] | None
    """None: all business units."""
    is_authenticated: bool = True

    def may_use(self, business_unit_id: str) -> bool:
        return self.business_units is None or business_unit_id in self.business_units


_remembered: dict[str, tuple[float, Caller]] = {}


def forget_tokens() -> None:
    """Empty this process's memory of tokens (tests; nothing else needs it)."""
    _remembered.clear()


def caller_of(token: str) -> Caller:
    """The caller a token stands for. Raises NotAuthenticated for unknown, expired, revoked or stopped."""
    checksum = hashlib.sha256(token.encode()).hexdigest()
    now = time.monotonic()
    until, caller = _remembered.get(checksum, (0.0, None))
    if caller is None or until < now:
        caller, seconds_left = _look_up(checksum)
        if len(_remembered) >= REMEMBER_MOST:
            _remembered.clear()
        _remembered[checksum] = (now + min(REMEMBER_SECONDS, seconds_left), caller)
    return caller


def _look_up(checksum: str) -> tuple[Caller, float]:
    found = (
        AccessToken.objects.select_related("application__tenant")
        .filter(token_checksum=checksum, expires__gt=timezone.now())
        .first()
    )
    if found is None or not found.application.is_usable(None):
        raise not_authenticated("The access token is unknown, expired or revoked; fetch a new one from /oauth2/token.")
    client: ApiClient = found.application
    units = None if client.business_units is None else frozenset(client.business_units)
    scopes = frozenset(found.scope.split()) & frozenset(client.scopes)
    left = (found.expires - timezone.now()).total_seconds()
    return Caller(client=client, tenant=client.tenant, scopes=scopes, business_units=units), left


def not_authenticated(detail: str, *, error: str = "invalid_token") -> NotAuthenticated:
    challenge = 'Bearer realm="orderhub"' + (f', error="{error}"' if error else "")
    return NotAuthenticated(detail, headers={"WWW-Authenticate": challenge})


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <token>``."""

    def authenticate(self, request: Request) -> tuple[Caller, None]:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            detail = "Send the header Authorization: Bearer <token>, with a token from /oauth2/token."
            raise not_authenticated(detail, error="")
        return caller_of(token.strip()), None
