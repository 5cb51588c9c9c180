"""Writing JSON with every digit kept, and reading again what was written.

Numbers go out as ``format(d, "f")``, never through a binary float (docs/reference/customer-order.md#numbers).
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import msgspec
import orjson

_ORJSON_BITS = 63
"""Integers that orjson writes itself, signed."""

_trusting = msgspec.json.Decoder(float_hook=Decimal)


def load(text: str | bytes) -> Any:
    """Read text that ``render`` wrote or that was accepted before. Checks nothing."""
    return _trusting.decode(text)


def _written(value: Any) -> Any:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    text = format(value, "f")
    return orjson.Fragment("0" if text == "-0" else text)


def render(value: Any) -> bytes:
    """Compact JSON, numbers digit for digit, names in the order they stand."""
    try:
        return orjson.dumps(value, default=_written)
    except TypeError:
        return orjson.dumps(_wide_integers_as_decimals(value), default=_written)


def _wide_integers_as_decimals(value: Any) -> Any:
    """orjson writes integers of 64 bits only."""
    if isinstance(value, dict):
        return {name: _wide_integers_as_decimals(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_wide_integers_as_decimals(member) for member in value]
    if type(value) is int and value.bit_length() > _ORJSON_BITS:
        return Decimal(value)
    return value


def digest(document: Any) -> str:
    """SHA-256 over the document with sorted names. ``19.9`` and ``19.90`` differ: a digit is a change."""
    try:
        text = orjson.dumps(document, default=_written, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return digest(_wide_integers_as_decimals(document))
    return hashlib.sha256(text).hexdigest()
