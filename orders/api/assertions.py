"""``private_key_jwt``: a client proves itself by a JWT of its own key (docs/reference/api.md#token-endpoint, RFC 7523).

    read_claim   what the form claims, nothing verified: whose assertion is it?
    verify       RS256 by a registered key, iss = sub = client id, aud = the token endpoint, in time, never used before

A ``jti`` is spent in the database before a token is made, so that a restart forgets none; housekeeping removes the row
when the assertion itself has run out.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone

from orders.access.client_keys import ClientKey, candidates
from orders.models import ApiClient, UsedAssertion

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW = timedelta(seconds=60)
"""How far a client's clock may be from ours (docs/reference/api.md#token-endpoint)."""
LONGEST_LIFE = timedelta(hours=1)
"""Clients set a minute or so; some widely used libraries set an hour. Beyond that an assertion is a standing secret."""
JTI_LONGEST = 1_000
_SIGNED_BUT_WRONG = (jwt.ImmatureSignatureError, jwt.InvalidIssuedAtError, jwt.MissingRequiredClaimError)
"""What the library finds only after the signature was good."""
REMEMBERED_LONGER = LONGEST_LIFE
"""How long a spent ``jti`` is kept past its assertion's end: where a host's clock is wrong or set back by less, the
assertion cannot be used again."""


class AssertionRefused(Exception):
    """The assertion does not prove who the client is; the words say why.

    ``told``: to the caller too, whose key signed the assertion. Others learn nothing of a client.
    """

    def __init__(self, words: str, *, told: bool = False) -> None:
        super().__init__(words)
        self.told = told


def read_claim(assertion: str) -> str:
    """The client id that the assertion claims, unverified. Raises AssertionRefused."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise AssertionRefused(f"it is no JWT: {error}") from None
    claimed = claims.get("sub")
    if not isinstance(claimed, str) or not claimed or claims.get("iss") != claimed:
        raise AssertionRefused("iss and sub are not the same client id")
    return claimed


def verify(assertion: str, client: ApiClient) -> None:
    """Raises AssertionRefused. Spends the assertion's ``jti``."""
    claims = _signed_claims(assertion, client)
    if claims["iss"] != client.client_id or claims["sub"] != client.client_id:
        raise AssertionRefused("iss and sub are not the client id", told=True)
    if claims["aud"] not in (audience(), [audience()]):
        raise AssertionRefused(f"aud is not {audience()}", told=True)
    expires_at = _expiry(claims["exp"])
    _spend(client, claims["jti"], expires_at=expires_at)


def audience() -> str:
    """The token endpoint's outside address."""
    return f"{settings.HUB_PUBLIC_URL.rstrip('/')}/oauth2/token"


def _signed_claims(assertion: str, client: ApiClient) -> dict[str, Any]:
    x5t, kid = _named_key(assertion)
    now = timezone.now()
    keys = [key for key in candidates(client.public_keys, x5t=x5t, kid=kid) if key.is_good(now, skew=SKEW)]
    refusal = "no registered key of the client is named or in time"
    for key in keys:
        try:
            return _decoded(assertion, key)
        except jwt.ExpiredSignatureError:
            raise AssertionRefused("exp is past: make a new assertion for each request", told=True) from None
        except _SIGNED_BUT_WRONG as error:
            raise AssertionRefused(str(error), told=True) from None
        except jwt.PyJWTError as error:
            refusal = str(error)
    raise AssertionRefused(refusal)


def _named_key(assertion: str) -> tuple[str | None, str | None]:
    """``x5t`` (or ``x5t#S256``) and ``kid`` of the header."""
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError as error:
        raise AssertionRefused(str(error)) from None
    x5t, kid = header.get("x5t", header.get("x5t#S256")), header.get("kid")
    if any(name is not None and not isinstance(name, str) for name in (x5t, kid)):
        raise AssertionRefused("x5t or kid is no text")
    return x5t, kid


def _decoded(assertion: str, key: ClientKey) -> dict[str, Any]:
    """The audience is compared by ``verify``: the library takes a list that merely holds ours."""
    needed = {"require": ["exp", "iss", "sub", "aud", "jti"], "verify_aud": False}
    claims: dict[str, Any] = jwt.decode(assertion, key.key, algorithms=["RS256"], leeway=SKEW, options=needed)  # type: ignore[arg-type]
    return claims


def _expiry(exp: Any) -> datetime:
    try:
        expires_at = datetime.fromtimestamp(float(exp), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise AssertionRefused("exp is no time", told=True) from None
    if expires_at > timezone.now() + LONGEST_LIFE + SKEW:
        raise AssertionRefused("exp is too far away: at most an hour", told=True)
    return expires_at


def _spend(client: ApiClient, jti: Any, *, expires_at: datetime) -> None:
    """The unique constraint decides between two requests with the same assertion."""
    if not isinstance(jti, str) or not 0 < len(jti) <= JTI_LONGEST:
        raise AssertionRefused("jti is no text of 1 to 1,000 characters", told=True)
    digest = hashlib.sha256(jti.encode(errors="replace")).hexdigest()
    _, fresh = UsedAssertion.objects.get_or_create(
        client=client, jti_digest=digest, defaults={"expires_at": expires_at + SKEW + REMEMBERED_LONGER}
    )
    if not fresh:
        raise AssertionRefused("jti was used before: give each assertion a new one", told=True)
