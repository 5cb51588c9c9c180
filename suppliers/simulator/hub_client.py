"""The simulated supplier as a client: its token, then its order data (docs/reference/supplier-events.md#order-data)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import requests

TIMEOUT_SECONDS = 10.0
"""Far above what the hub needs to answer from its own database."""
TRIES = 3
PAUSE_SECONDS = 0.5
EARLY_SECONDS = 30
"""A token this near its end is not used again."""


class NotFetched(Exception):
    """The hub could not be reached or refused; the message says how."""


class HubAccount(NamedTuple):
    """Where the hub is and who the supplier is there."""

    hub_url: str
    client_id: str
    client_secret: str


class HubClient:
    """Fetches order data for one account, with a token kept until shortly before it expires."""

    def __init__(self, account: HubAccount) -> None:
        self.account = account
        self._lock = threading.Lock()
        self._token = ""
        self._valid_until = 0.0

    def order_data(
        self, order_token: str, *, session: requests.Session, pause: Callable[[float], object], correlation_id: str
    ) -> requests.Response:
        """The hub's answer, whatever its status below 500. Raises NotFetched after three tries without one."""
        for number in range(TRIES):
            if number:
                pause(PAUSE_SECONDS)
            try:
                answer = self._fetch(order_token, session=session, correlation_id=correlation_id)
            except requests.RequestException as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code < 500:
                return answer
            reason = f"HTTP {answer.status_code}"
        raise NotFetched(f"{self.account.hub_url}/api/Orders failed {TRIES} times, last with {reason}")

    def _fetch(self, order_token: str, *, session: requests.Session, correlation_id: str) -> requests.Response:
        """One call; a 401 gets one new token and one repeat."""
        for fresh in (False, True):
            token = self._valid_token(session, fresh=fresh)
            answer = session.get(
                f"{self.account.hub_url}/api/Orders",
                params={"ExternalId": order_token},
                headers={"Authorization": f"Bearer {token}", **_correlation(correlation_id)},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
            if answer.status_code != 401:
                break
        return answer

    def _valid_token(self, session: requests.Session, *, fresh: bool) -> str:
        with self._lock:
            if fresh or time.monotonic() >= self._valid_until:
                self._ask_for_token(session)
            return self._token

    def _ask_for_token(self, session: requests.Session) -> None:
        answer = session.post(
            f"{self.account.hub_url}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(self.account.client_id, self.account.client_secret),
            timeout=TIMEOUT_SECONDS,
        )
        if answer.status_code != 200:
            raise NotFetched(f"{self.account.hub_url}/oauth2/token answered {answer.status_code}: {answer.text[:200]}")
        data = answer.json()
        self._token = data["access_token"]
        self._valid_until = time.monotonic() + int(data.get("expires_in", 0)) - EARLY_SECONDS


def _correlation(correlation_id: str) -> dict[str, str]:
    return {"Correlation-Id": correlation_id} if correlation_id else {}
