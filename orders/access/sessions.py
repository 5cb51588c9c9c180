"""Sessions of staff: their rows hold a digest of the key, so that a stolen dump of the database lets nobody in.

The key is the browser's cookie alone. ``config.settings`` names this module as the engine. Synchronous, as the hub is.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

DIGEST_BYTES = 20
"""Hex of it fills the row's 40 characters. A key has 165 random bits, which need neither salt nor a slow hash."""


class SessionStore(db.SessionStore):
    """Django's, by digest. It keeps its name, which its signatures are salted with."""

    def load(self) -> dict[str, Any]:
        row = Session.objects.filter(session_key=digest_of(self.session_key), expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_of(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest_of(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        Session.objects.filter(session_key=digest_of(session_key or self.session_key)).delete()


def digest_of(session_key: str | None) -> str:
    return hashlib.blake2b((session_key or "").encode(), digest_size=DIGEST_BYTES).hexdigest()
