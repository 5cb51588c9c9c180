"""The hub as its clients see it: a token, a load, and waiting where it asks to wait.

Not through orders.outgoing: this program calls the hub itself, often on an address that the hub must never call.

    LoadFailed   this load cannot go on
      Refused    the hub refuses the whole of it: login, scope, address, mode
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_SECONDS = 60
"""A request of 500 lines takes well under a second; beyond this the connection is lost."""
WAIT_LEAST, WAIT_MOST = 1.0, 60.0
"""Between two tries: doubling, or what Retry-After says, within these."""
PATIENCE_SECONDS = 900.0
"""How long the hub may be away in one piece: a restart or a failover is over by then."""
AGAIN = (429, 500, 502, 503, 504)


class LoadFailed(Exception):
    """The load cannot go on now; the same command goes on with it later."""


class Refused(LoadFailed):
    """The hub refuses what is asked; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Login:
    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """``line`` counts within the body."""

    line: int
    status: int
    errors: list[dict[str, str]]


class Hub:
    """One tenant's loads over one connection. ``told`` hears why it waits."""

    def __init__(self, url: str, login: Login, *, tenant: str, told: Callable[[str], None]) -> None:
        self._url, self._login, self._tenant, self._told = url.rstrip("/"), login, tenant, told
        self._http = requests.Session()
        self._http.trust_env = False
        self._token = ""

    def close(self) -> None:
        self._http.close()

    def load(self, body: bytes, *, key: str) -> list[LineAnswer]:
        """What became of each line. Raises Refused, LoadFailed."""
        answer = self._authorized(body, key)
        if answer.status_code == 401:  # the token ran out
            self._token = ""
            answer = self._authorized(body, key)
        if answer.status_code != 200:
            raise Refused(_words(answer))
        found = [json.loads(line) for line in answer.content.splitlines()]
        return [LineAnswer(one["line"], one["status"], one.get("errors", [])) for one in found]

    def _authorized(self, body: bytes, key: str) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {self._token or self._new_token()}",
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": key,
            "Tenant-Id": self._tenant,
        }
        return self._ask("/api/v1/customer-orders:load", data=body, headers=headers)

    def _new_token(self) -> str:
        form = {"grant_type": "client_credentials", "scope": "customer-orders:write"}
        answer = self._ask("/oauth2/token", data=form, auth=(self._login.client_id, self._login.secret))
        if answer.status_code != 200:
            raise Refused(f"No token for client {self._login.client_id}: {_words(answer)}")
        self._token = str(answer.json()["access_token"])
        return self._token

    def _ask(self, path: str, **request: Any) -> requests.Response:
        """POST until the hub gives a verdict; Raises LoadFailed when it is away for too long."""
        away_since, step = time.monotonic(), WAIT_LEAST
        while True:
            because, wait = "", step
            try:
                answer = self._http.post(self._url + path, timeout=TIMEOUT_SECONDS, allow_redirects=False, **request)
            except (requests.ConnectionError, requests.Timeout) as error:
                because = f"no answer ({type(error).__name__})"
            except requests.RequestException as error:
                raise Refused(f"{self._url} cannot be called: {error}") from None
            else:
                if answer.status_code not in AGAIN:
                    return answer
                because, wait = f"it answered {answer.status_code}", _retry_after(answer, step)
            if time.monotonic() - away_since + wait > PATIENCE_SECONDS:
                raise LoadFailed(f"{self._url} is away for too long: {because}.")
            self._told(f"{because}; trying again in {wait:.0f} s")
            time.sleep(wait)
            step = min(step * 2, WAIT_MOST)


def _retry_after(answer: requests.Response, step: float) -> float:
    given = answer.headers.get("Retry-After", "")
    return min(max(float(given), WAIT_LEAST), WAIT_MOST) if given.isascii() and given.isdigit() else step


def _words(answer: requests.Response) -> str:
    """The problem's detail, or the token endpoint's error, in one line."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    said = problem.get("detail") or problem.get("error_description") or problem.get("error") if problem else ""
    return f"the hub answered {answer.status_code}" + (f": {said}" if said else "; is this the hub's address?")
