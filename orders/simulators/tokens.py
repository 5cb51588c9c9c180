"""The authorization server of a simulated partner: OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Literal
from urllib.parse import unquote_plus

from orders.simulators.wire import Answer, Call, json_answer

ClientForm = Literal["both", "basic", "form"]
LIFE_WITHOUT_EXPIRY_SECONDS = 3600
"""How long a token lives whose answer says no ``expires_in`` or zero."""


class TokenEndpoint:
    """Gives and checks tokens of one client. Attributes may be changed while it runs."""

    def __init__(
        self,
        client_id: str,
        *,
        client_secret: str,
        accepts: ClientForm = "both",
        expires_in: int | None = 3600,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.accepts = accepts
        self.expires_in = expires_in
        """What the answer says; None leaves it out."""
        self.given = 0
        """Tokens given so far."""
        self._lock = threading.Lock()
        self._valid_until: dict[str, float] = {}

    def answer(self, call: Call) -> Answer:
        if call.method != "POST":
            return json_answer({"title": "Method not allowed", "status": 405}, status=405, headers={"Allow": "POST"})
        if call.form.get("grant_type") != "client_credentials":
            error = "unsupported_grant_type" if "grant_type" in call.form else "invalid_request"
            return json_answer({"error": error}, status=400)
        if (self.client_id, self.client_secret) not in self._clients(call):
            return json_answer(
                {"error": "invalid_client"}, status=401, headers={"WWW-Authenticate": 'Basic realm="token"'}
            )
        return self._given(scope=call.form.get("scope"))

    def _clients(self, call: Call) -> list[tuple[str, str]]:
        """Client id and secret as sent in a form that is accepted.

        RFC 6749 section 2.3.1 form-encodes both under Basic, which half of all clients leave out: both are read.
        """
        if call.basic is not None:
            user, password = call.basic
            return [(user, password), (unquote_plus(user), unquote_plus(password))] if self.accepts != "form" else []
        if self.accepts == "basic":
            return []
        return [(call.form.get("client_id", ""), call.form.get("client_secret", ""))]

    def _given(self, *, scope: str | None) -> Answer:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self.given += 1
            self._valid_until[token] = time.monotonic() + (self.expires_in or LIFE_WITHOUT_EXPIRY_SECONDS)
        data: dict[str, object] = {"access_token": token, "token_type": "Bearer"}
        if self.expires_in is not None:
            data["expires_in"] = self.expires_in
        if scope:
            data["scope"] = scope
        return json_answer(data, headers={"Cache-Control": "no-store"})

    def knows(self, token: str | None) -> bool:
        with self._lock:
            return self._valid_until.get(token or "", 0.0) > time.monotonic()

    def revoke(self, token: str | None = None) -> None:
        """Forget one token, or all."""
        with self._lock:
            if token is None:
                self._valid_until.clear()
            else:
                self._valid_until.pop(token, None)
