"""OAuth2 client-credentials tokens for calling partners (domain/customer-order.md section 3).

A token is looked for in this process, then in the shared cache (sealed there), then fetched. One thread per process
fetches and the others wait for it; one process at a time does, kept by a short key in the cache. The keys are made of
the credentials themselves, so new credentials never meet an old token.

    PartnerTokenError
      TokenRefused    400, 401, 403: the credentials or the address are wrong (misconfigured)
      TokenUnusable   any other status, or an answer that holds no token (unavailable)

Errors of the way (``orders.outgoing``) pass through as they are. No message holds a secret.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from django.conf import settings
from django.utils.crypto import salted_hmac
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.adapters import BaseAdapter
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from orders import quick_cache, sealing
from orders.outgoing import Answer, Call, Deadline, DeadlineExceeded, send

UNKNOWN_LIFETIME_SECONDS = 300.0
"""Assumed when ``expires_in`` is absent: short, and a token that ended sooner is fetched anew on the first 401."""

LONGEST_LIFETIME_SECONDS = 86_400.0
EARLY_SECONDS = 30.0
EARLY_SHARE = 0.1
"""A token is not used in the last 30 s of its life, or the last tenth of a short one."""

REMEMBERED_SECONDS = 30 * 86_400.0
"""How long the form of client authentication that worked is remembered."""

POLL_SECONDS = 0.02
KEPT_CREDENTIALS = 2_000


class PartnerTokenError(Exception):
    """The partner's token endpoint gave no token."""

    def __init__(self, detail: str, *, answer: Answer | None = None) -> None:
        super().__init__(detail)
        self.answer = answer


class TokenRefused(PartnerTokenError):
    """The token endpoint does not accept the credentials."""


class TokenUnusable(PartnerTokenError):
    """The token endpoint failed or answered something that is no token."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What the partner gave us to fetch tokens with."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    resource: str = ""
    private_allowed: bool = True
    """As in ``outgoing.Call``: False for a token URL that a tenant supplied elsewhere than at its own service."""

    @property
    def key(self) -> str:
        """Names the credentials without telling them."""
        parts = (self.token_url, self.client_id, self.client_secret, self.scope, self.resource)
        return salted_hmac("orders.partner_tokens", json.dumps(parts), algorithm="sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class _Held:
    """A token with the moment until which it is used, and the form of client authentication that got it."""

    token: str
    until: float
    form: str

    def usable(self, *, refused: str) -> bool:
        return self.token != refused and time.time() < self.until


class _Flight:
    """One fetch under way in this process; those who came meanwhile share its end."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.token = ""
        self.failure: Exception | None = None


_held: dict[str, _Held] = {}
_flights: dict[str, _Flight] = {}
_flights_lock = threading.Lock()


def send_authorized(call: Call, *, credentials: ClientCredentials, deadline: Deadline) -> Answer:
    """Send with a bearer token; a 401 gets one new token and one repeat, within the same deadline."""
    token = token_for(credentials, call=call, deadline=deadline)
    answer = send(_bearing(call, token), deadline=deadline)
    if answer.status != 401:
        return answer
    token = token_for(credentials, call=call, deadline=deadline, refused=token)
    return send(_bearing(call, token), deadline=deadline)


def _bearing(call: Call, token: str) -> Call:
    return replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})


def token_for(credentials: ClientCredentials, *, call: Call, deadline: Deadline, refused: str = "") -> str:
    """A token for the call's destination; ``refused`` is one that the partner just answered 401 to."""
    key = credentials.key
    held = _held.get(key)
    if held is not None and held.usable(refused=refused):
        return held.token
    while True:
        flight, leads = _board(key)
        if leads:
            return _lead(flight, key, lambda: _obtain(credentials, key=key, call=call, deadline=deadline, refused=refused))
        if not flight.over.wait(deadline.remaining()):
            raise deadline.exceeded()
        if isinstance(flight.failure, DeadlineExceeded):
            continue  # its caller had less time than this one
        if flight.failure is not None:
            raise flight.failure
        if flight.token != refused:
            return flight.token


def _board(key: str) -> tuple[_Flight, bool]:
    """The fetch under way, or a new one that the caller leads."""
    with _flights_lock:
        flight = _flights.get(key)
        if flight is not None:
            return flight, False
        flight = _flights[key] = _Flight()
        return flight, True


def _lead(flight: _Flight, key: str, obtain: Callable[[], str]) -> str:
    try:
        flight.token = obtain()
        return flight.token
    except Exception as failure:
        flight.failure = failure
        raise
    finally:
        with _flights_lock:
            del _flights[key]
        flight.over.set()


def _obtain(credentials: ClientCredentials, *, key: str, call: Call, deadline: Deadline, refused: str) -> str:
    """From the shared cache, else from the partner, one process at a time."""
    lock = f"partner-token-lock:{key}"
    held = _held.get(key)
    while True:
        held = _shared(key) or held
        if held is not None and held.usable(refused=refused):
            _keep(key, held)
            return held.token
        if quick_cache.add(lock, 1, seconds=deadline.remaining() + 1):
            break
        time.sleep(min(POLL_SECONDS, deadline.remaining()))
    try:
        held = _fetched(credentials, call=call, deadline=deadline, form=held.form if held else "basic")
        _share(key, held)
    finally:
        quick_cache.drop(lock)
    return held.token


def _keep(key: str, held: _Held) -> None:
    if len(_held) >= KEPT_CREDENTIALS:
        _held.clear()
    _held[key] = held


def _share(key: str, held: _Held) -> None:
    _keep(key, held)
    plain = json.dumps([held.token, held.until, held.form]).encode()
    sealed = sealing.seal_bytes(plain, context=f"partner-token:{key}")
    quick_cache.put(f"partner-token:{key}", sealed, seconds=REMEMBERED_SECONDS)


def _shared(key: str) -> _Held | None:
    sealed = quick_cache.get(f"partner-token:{key}")
    if sealed is None:
        return None
    try:
        return _Held(*json.loads(sealing.open_bytes(sealed, context=f"partner-token:{key}")))
    except (sealing.SecretLost, ValueError, TypeError):
        return None  # sealed with a key that is gone: fetched anew


def _fetched(credentials: ClientCredentials, *, call: Call, deadline: Deadline, form: str) -> _Held:
    """Basic client authentication first and, refused with 400 or 401, the body form; or the other way round where
    the body form worked before (domain/customer-order.md section 3)."""
    try:
        return _fetch(credentials, call=call, deadline=deadline, form=form)
    except TokenRefused as refusal:
        if refusal.answer is None or refusal.answer.status not in (400, 401):
            raise
        other = "body" if form == "basic" else "basic"
        return _fetch(credentials, call=call, deadline=deadline, form=other)


def _fetch(credentials: ClientCredentials, *, call: Call, deadline: Deadline, form: str) -> _Held:
    asked_at = time.time()
    if settings.HUB_OUTBOUND_ALLOW_HTTP:
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http is judged by orders.outgoing, not by oauthlib
    session = OAuth2Session(client=BackendApplicationClient(client_id=credentials.client_id))
    session.trust_env = False
    transport = _Transport(credentials, call=call, deadline=deadline)
    session.mount("https://", transport)
    session.mount("http://", transport)
    try:
        answer = session.fetch_token(credentials.token_url, **_form(credentials, form))
        token, lifetime = _read(answer)
    except (OAuth2Error, ValueError, TypeError, AttributeError) as error:
        name = getattr(error, "error", None) or type(error).__name__
        raise TokenUnusable(f"{credentials.token_url} answered 200 without a usable token ({name})") from None
    return _Held(token, asked_at + lifetime - min(EARLY_SECONDS, lifetime * EARLY_SHARE), form)


def _form(credentials: ClientCredentials, form: str) -> dict[str, Any]:
    asked = {name: value for name, value in (("scope", credentials.scope), ("resource", credentials.resource)) if value}
    if form == "basic":
        login = HTTPBasicAuth(credentials.client_id.encode(), credentials.client_secret.encode())
        return {"auth": login, "include_client_id": False, **asked}
    return {"include_client_id": True, "client_secret": credentials.client_secret, **asked}


def _read(answer: Any) -> tuple[str, float]:
    """Token and lifetime in seconds; a lifetime of nothing serves this call and those that waited for it."""
    token = answer["access_token"]
    kind = answer.get("token_type", "Bearer")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
        raise ValueError("no access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("token_type")
    lifetime = float(answer.get("expires_in", UNKNOWN_LIFETIME_SECONDS))
    return token, min(max(lifetime, 0.0), LONGEST_LIFETIME_SECONDS)


class _Transport(BaseAdapter):
    """Lets requests-oauthlib speak only through ``orders.outgoing``; its statuses are judged here."""

    def __init__(self, credentials: ClientCredentials, *, call: Call, deadline: Deadline) -> None:
        super().__init__()
        self.credentials, self.call, self.deadline = credentials, call, deadline

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = send(self._as_call(request), deadline=self.deadline)
        if answer.status in (400, 401, 403):
            raise TokenRefused(f"{request.url} refused the credentials with {answer.status}", answer=answer)
        if answer.status != 200:
            raise TokenUnusable(f"{request.url} answered {answer.status} to the token request", answer=answer)
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url or ""
        response._content, response.encoding = answer.body, "utf-8"
        return response

    def _as_call(self, request: requests.PreparedRequest) -> Call:
        kept = ("Authorization", "Content-Type", "Accept")
        body = request.body or b""
        return Call(
            "POST",
            request.url or "",
            headers={name: _text(request.headers[name]) for name in kept if name in request.headers},
            body=body.encode() if isinstance(body, str) else body,
            destination=self.call.destination,
            correlation_id=self.call.correlation_id,
            private_allowed=self.credentials.private_allowed,
        )

    def close(self) -> None:
        """The connections are not ours."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
