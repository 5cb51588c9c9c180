"""OAuth2 client-credentials tokens for calling partners (docs/design/outgoing.md#partner-tokens).

A token is looked for in this process, then in the shared cache (sealed there), then fetched. One thread per process
fetches and the others wait for it; one process at a time does, kept by a short key in the cache. The keys are made of
the credentials themselves, so new credentials never meet an old token. With the cache away each process fetches its
own. Errors: ``orders.outgoing.token_requests`` and ``orders.outgoing``.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import astuple, replace
from functools import partial

from orders.access import sealing
from orders.cache import shared_cache
from orders.outgoing import Answer, Call, Deadline, DeadlineExceeded, send
from orders.outgoing.token_requests import (
    ClientCredentials,
    Granted,
    PartnerTokenError,
    TokenRefused,
    TokenUnusable,
    request_token,
)

__all__ = [
    "ClientCredentials",
    "PartnerTokenError",
    "TokenRefused",
    "TokenUnusable",
    "request_token",
    "send_authorized",
    "token_for",
]

REMEMBERED_SECONDS = 30 * 86_400.0
"""How long the shared cache remembers which form of client authentication worked."""

POLL_SECONDS = 0.02
"""How often a process looks whether another's fetch has ended."""

KEPT_CREDENTIALS = 2_000
"""Tokens in one process's memory; more tenants than that ask the shared cache."""


class _Flight:
    """One fetch under way in this process; those who came meanwhile share its end."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.token = ""
        self.failure: Exception | None = None


_kept: dict[str, Granted] = {}
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
    held = _kept.get(key)
    if held is not None and held.usable(refused=refused):
        return held.token
    while True:
        flight, leads = _board(key)
        if leads:
            obtain = partial(_obtain, credentials, key=key, call=call, deadline=deadline, refused=refused)
            return _lead(flight, key, obtain)
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
    while True:
        if known := _usable(key, refused=refused):
            return _keep(key, known)
        if shared_cache.lock(lock, seconds=deadline.remaining() + 1):
            break
        time.sleep(min(POLL_SECONDS, deadline.remaining()))
    try:
        granted = _usable(key, refused=refused)  # another's fetch may have ended between the look and the lock
        if granted is None:
            granted = _fetched(credentials, key=key, call=call, deadline=deadline)
    finally:
        shared_cache.drop(lock)
    return _keep(key, granted)


def _usable(key: str, *, refused: str) -> Granted | None:
    known = _shared(key) or _kept.get(key)
    return known if known is not None and known.usable(refused=refused) else None


def _fetched(credentials: ClientCredentials, *, key: str, call: Call, deadline: Deadline) -> Granted:
    """Asked for in the form that worked last time, and shared."""
    before = _shared(key) or _kept.get(key)
    granted = request_token(credentials, call=call, deadline=deadline, form=before.form if before else "basic")
    _share(key, granted)
    return granted


def _keep(key: str, granted: Granted) -> str:
    if len(_kept) >= KEPT_CREDENTIALS:
        _kept.clear()
    _kept[key] = granted
    return granted.token


def _share(key: str, granted: Granted) -> None:
    name = f"partner-token:{key}"
    key_id, sealed = sealing.seal_bytes(json.dumps(astuple(granted)).encode(), context=name)
    shared_cache.put(name, [key_id, base64.b64encode(sealed).decode()], seconds=REMEMBERED_SECONDS)


def _shared(key: str) -> Granted | None:
    """None also for what was sealed with a key that is gone, or was put there by somebody else: fetched anew."""
    name = f"partner-token:{key}"
    match shared_cache.get(name):
        case [str(key_id), str(encoded)]:
            try:
                sealed = base64.b64decode(encoded, validate=True)
                return Granted(*json.loads(sealing.open_bytes(key_id, sealed, context=name)))
            except (sealing.SecretLost, ValueError, TypeError):
                return None
    return None


def forget_tokens() -> None:
    """Drop this process's memory of tokens (the shared cache keeps its own)."""
    _kept.clear()
