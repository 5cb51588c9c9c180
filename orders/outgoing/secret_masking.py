"""What a call logs in with, taken out of what comes back: a partner that quotes the request puts no secret on record.

A secret is found as it was sent and as it is usually written: percent-encoded, escaped for HTML or JSON, in base64, or
in a JSON pointer.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

MASK = "********"
LOGINS = frozenset({"authorization", "password"})
"""Headers that hold one; OrderFlow takes ``password``."""
SHORTEST = 6
"""A shorter text stands in too many words, and is no secret worth the name."""


def secrets_in(headers: Mapping[str, str]) -> Iterator[str]:
    """What the headers of a request log in with: the text after the scheme, and the password inside base64."""
    for name, value in headers.items():
        if name.lower() in LOGINS:
            text = value.rpartition(" ")[2]
            yield text
            decoded = _decoded(text)
            yield from {decoded, decoded.partition(":")[2]}


def without_echoes(text: str, secrets: Iterable[str]) -> str:
    """The text with every one of the secrets masked, the longest first."""
    known = {written for secret in secrets if len(secret) >= SHORTEST for written in _spellings(secret)}
    for written in sorted(known, key=len, reverse=True):
        text = text.replace(written, MASK)
    return text


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _spellings(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    pointer = secret.replace("~", "~0").replace("/", "~1")
    escaped = {
        html.escape(secret),
        html.escape(secret, quote=False),
        *(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
    }
    return {secret, encoded, pointer, quote(secret, safe=""), quote(secret), quote_plus(secret), *escaped}
