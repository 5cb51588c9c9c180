"""Webhook signatures after the Standard Webhooks specification (docs/reference/supplier-events.md#signature).

``v1,`` + base64 of HMAC-SHA256 over ``id.timestamp.body``, with the bytes behind ``whsec_`` as the key. While a secret
is rotated the header carries one signature per secret, so that a receiver may hold either; the specification's own
library signs with one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Sequence

PREFIX = "whsec_"
MADE_BYTES = 32
MIN_BYTES, MAX_BYTES = 24, 64
"""Key lengths that the specification asks for: 192 to 512 bits."""


class SecretFormatError(ValueError):
    """A signing secret is "whsec_" and the base64 of 24 to 64 random bytes."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def make_secret() -> str:
    """A fresh signing secret, as it is shown to the supplier."""
    return PREFIX + base64.b64encode(randomness.token_bytes(MADE_BYTES)).decode()


def parse_secret(text: str) -> bytes:
    """The key bytes of a secret. Raises SecretFormatError, which never quotes the text."""
    if not text.startswith(PREFIX):
        raise SecretFormatError
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretFormatError from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise SecretFormatError
    return key


def sign(body: bytes, *, message_id: str, timestamp: int, secrets: Sequence[str]) -> str:
    """The ``webhook-signature`` header: a signature per secret, in their order, parted by spaces.

    ``timestamp`` is in whole seconds since 1970 and goes out as ``webhook-timestamp``.
    """
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return " ".join(_signature(content, parse_secret(secret)) for secret in secrets)


def _signature(content: bytes, key: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
