"""Words of partners as every database takes them: no U+0000, no half of a surrogate pair, and cut."""

from __future__ import annotations

RESPONSE_CUT = 2_000
"""Characters of an answer kept with an attempt: enough for an error text, too little for a copy of its data."""


def storable(text: str, most: int | None = None) -> str:
    return text.replace("\x00", "\ufffd")[:most].encode(errors="replace").decode()


def response_cut(body: bytes) -> str:
    """The beginning of an answer's body."""
    return storable(body[: 4 * RESPONSE_CUT].decode("utf-8", errors="replace"), RESPONSE_CUT)
