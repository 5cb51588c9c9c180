"""Asking a partner's token endpoint, by the OAuth2 client-credentials grant.

``requests-oauthlib`` builds the request and reads the answer; ``_Transport`` lets it speak only through
``orders.outgoing``, and judges the status before it does.

    PartnerTokenError
      TokenRefused   400, 401, 403: the credentials or the address are wrong (misconfigured)
      TokenUnusable  any other status, or an answer that holds no token (unavailable)

Errors of the way (``orders.outgoing``) pass through as they are. No message holds a secret.
"""

from __future__ import annotations

import json
import logging
import os
import time
from codecs import BOM_UTF8
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import requests
from django.conf import settings
from django.utils.crypto import salted_hmac
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.adapters import BaseAdapter
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from orders.outgoing import Answer, Call, Deadline, check_url, send

logging.getLogger("requests_oauthlib").setLevel(logging.INFO)  # its debug lines hold secrets and tokens

UNKNOWN_LIFETIME_SECONDS = 300.0
"""Assumed when ``expires_in`` is absent: short, and a token that ended sooner is fetched anew on the first 401."""

LONGEST_LIFETIME_SECONDS = 86_400.0
"""A token that claims to live longer is fetched anew once a day all the same."""

EARLY_SECONDS = 30.0
EARLY_SHARE = 0.1
"""A token is not used in the last 30 s of its life, or the last tenth of a short one."""

WHY_CHARACTERS = 100
"""Of the error that an endpoint names; those of RFC 6749 are shorter."""

KEPT_HEADERS = ("Authorization", "Content-Type", "Accept")

GRANTING = (200, 201)
"""RFC 6749 wants 200; some endpoints answer that a token was created."""

BEARER = ("bearer", "bearertoken")
"""``token_type`` in any letter case; the second is Apigee's."""


class PartnerTokenError(Exception):
    """The partner's token endpoint gave no token."""

    def __init__(self, detail: str, *, answer: Answer) -> None:
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
        return salted_hmac("orders.outgoing.partner_tokens", json.dumps(parts), algorithm="sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Granted:
    """A token with the moment until which it is used, and the form of client authentication that got it."""

    token: str
    until: float
    form: str

    def usable(self, *, refused: str = "") -> bool:
        return self.token != refused and time.time() < self.until


BASIC, RAW, BODY = "basic", "raw", "body"
"""Basic credentials form-encoded (RFC 6749, section 2.3.1), Basic credentials as they are, and the request's body."""


def request_token(credentials: ClientCredentials, *, call: Call, deadline: Deadline, form: str = BASIC) -> Granted:
    """A new token. Each refusal with 400 or 401 is followed by the next form of client authentication; the form that
    worked before comes first (docs/reference/customer-order.md#external-tokens)."""
    *others, last = sorted(_forms(credentials), key=lambda one: one == form, reverse=True)
    for one in others:
        try:
            return _request(credentials, call=call, deadline=deadline, form=one)
        except TokenRefused as refusal:
            if refusal.answer.status not in (400, 401):
                raise
    return _request(credentials, call=call, deadline=deadline, form=last)


def _forms(credentials: ClientCredentials) -> list[str]:
    """Those that differ on the wire, in the order in which they are tried."""
    pair = credentials.client_id, credentials.client_secret
    return [BASIC, BODY] if pair == _encoded(pair) else [BASIC, RAW, BODY]


def _encoded(pair: tuple[str, str]) -> tuple[str, str]:
    return quote_plus(pair[0]), quote_plus(pair[1])


def _request(credentials: ClientCredentials, *, call: Call, deadline: Deadline, form: str) -> Granted:
    asked_at = time.time()
    transport = _Transport(credentials, call=call, deadline=deadline)
    try:
        granted = _session(credentials, transport).fetch_token(credentials.token_url, **_form(credentials, form))
        token, lifetime = _token(granted), _lifetime(transport.answer)
    except (OAuth2Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        why = transport.answer.masked(str(getattr(error, "error", None) or type(error).__name__))[:WHY_CHARACTERS]
        detail = f"{credentials.token_url} answered {transport.answer.status}, but not with a usable token ({why})"
        raise TokenUnusable(detail, answer=transport.answer) from None
    return Granted(token, asked_at + lifetime - min(EARLY_SECONDS, lifetime * EARLY_SHARE), form)


def _session(credentials: ClientCredentials, transport: BaseAdapter) -> OAuth2Session:
    check_url(credentials.token_url)
    if settings.HUB_OUTBOUND_ALLOW_HTTP:
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http is judged by orders.outgoing
    session = OAuth2Session(client=BackendApplicationClient(client_id=credentials.client_id))
    session.trust_env = False
    session.mount("https://", transport)
    session.mount("http://", transport)
    return session


def _form(credentials: ClientCredentials, form: str) -> dict[str, Any]:
    asked = {name: value for name, value in (("scope", credentials.scope), ("resource", credentials.resource)) if value}
    if form == BODY:
        return {"include_client_id": True, "client_secret": credentials.client_secret, **asked}
    pair = credentials.client_id, credentials.client_secret
    name, secret = pair if form == RAW else _encoded(pair)
    return {"auth": HTTPBasicAuth(name.encode(), secret.encode()), "include_client_id": False, **asked}


def _token(granted: Any) -> str:
    token = granted["access_token"]
    if not isinstance(token, str) or not token.strip() or not token.isascii() or not token.isprintable():
        raise ValueError("no access_token")
    kind = granted.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() not in BEARER:
        raise ValueError("token_type is not Bearer")
    return token


def _lifetime(answer: Answer) -> float:
    """Seconds; nothing (0) serves this call and those that waited for it. oauthlib takes 0 for absent, so read here."""
    stated = json.loads(answer.body.removeprefix(BOM_UTF8)).get("expires_in")
    lifetime = UNKNOWN_LIFETIME_SECONDS if stated is None else float(stated)
    return min(max(lifetime, 0.0), LONGEST_LIFETIME_SECONDS)


class _Transport(BaseAdapter):
    """The way out for requests-oauthlib, for one request."""

    answer: Answer

    def __init__(self, credentials: ClientCredentials, *, call: Call, deadline: Deadline) -> None:
        super().__init__()
        self.credentials, self.call, self.deadline = credentials, call, deadline

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.answer = answer = send(self._as_call(request), deadline=self.deadline)
        if answer.status in (400, 401, 403):
            raise TokenRefused(f"{request.url} refused the credentials with {answer.status}", answer=answer)
        if answer.status not in GRANTING:
            raise TokenUnusable(f"{request.url} answered {answer.status} to the token request", answer=answer)
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url or ""
        response._content, response.encoding = answer.body.removeprefix(BOM_UTF8), "utf-8"
        return response

    def _as_call(self, request: requests.PreparedRequest) -> Call:
        headers = request.headers
        body = request.body or b""
        return Call(
            "POST",
            request.url or "",
            headers={name: _text(headers[name]) for name in KEPT_HEADERS if name in headers},
            body=body.encode() if isinstance(body, str) else bytes(body),
            destination=self.call.destination,
            correlation_id=self.call.correlation_id,
            private_allowed=self.credentials.private_allowed,
            secrets=(self.credentials.client_secret,),
            needs_body_of=GRANTING,
        )

    def close(self) -> None:
        """Connections belong to ``orders.outgoing``."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
