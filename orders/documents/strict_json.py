"""JSON in and out with every digit kept: the only place that turns bytes into values and back.

Reading: msgspec makes ``int`` and ``Decimal`` (never a binary float) and refuses bad UTF-8, NaN and lone surrogates.
What it lets through (a name twice, huge integers, ``\\u0000``) is found in two steps: a cheap test that can only err
on the side of suspicion, then, for a suspect, a pass of its own that names each place (domain/customer-order.md
section 2, engine.md "Decimals").

Writing: orjson, numbers as ``format(d, "f")``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from orders.documents.pointers import pointer

MAX_DIGITS = 30
"""Significant digits of a number (domain/customer-order.md section 2)."""
MAX_EXPONENT = 30
"""Scientific exponent of a number, both ways (same place)."""
BOUNDS = f"a number of at most {MAX_DIGITS} significant digits and an exponent within ±{MAX_EXPONENT}"

_INT_LIMIT = 10**MAX_DIGITS
_SUSPECT_LIMIT = 20
"""Faults listed for one body; the sender needs the first ones, not a list as long as the body."""


@dataclass(frozen=True, slots=True)
class JsonFault:
    """Where a body is not JSON as the hub takes it. ``note`` is for a person and may hold a position."""

    pointer: str
    expected: str
    found: str
    note: str = ""


class NotStrictJson(Exception):
    """The body is not JSON as the hub takes it; ``faults`` say where and why."""

    def __init__(self, *faults: JsonFault) -> None:
        super().__init__(faults[0].found)
        self.faults = faults


def within_bounds(number: int | Decimal) -> bool:
    """Judge the value, so that a number written out (1e30 as 1000…) is judged as it was when it came in."""
    if isinstance(number, int):
        if -_INT_LIMIT < number < _INT_LIMIT:
            return True
        return abs(number) < 10 * _INT_LIMIT and number % 10 == 0
    if not number.is_finite() or not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        return False
    return len(number.as_tuple().digits) <= MAX_DIGITS


class _OutOfBounds(Exception):
    """Stops the decoder at a number that must not be worked with."""


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not within_bounds(number):
        raise _OutOfBounds
    return number


_strict = msgspec.json.Decoder(float_hook=_decimal)
_trusting = msgspec.json.Decoder(float_hook=Decimal)

_NESTED = JsonFault("", "a few levels of nesting", "nesting beyond all reason")


def parse(body: bytes) -> Any:
    """The body's value; raises NotStrictJson."""
    try:
        value = _strict.decode(body)
    except UnicodeDecodeError:
        raise NotStrictJson(JsonFault("", "JSON in UTF-8", "bytes that are not UTF-8")) from None
    except RecursionError:
        raise NotStrictJson(_NESTED) from None
    except (_OutOfBounds, ArithmeticError, msgspec.ValidationError):
        raise NotStrictJson(*(_located(body) or [_malformed("")])) from None
    except msgspec.DecodeError as error:
        raise NotStrictJson(_malformed(str(error))) from None
    if _suspect(body, value) and (faults := _located(body)):
        raise NotStrictJson(*faults)
    return value


def _malformed(reason: str) -> JsonFault:
    return JsonFault("", "well-formed JSON", "malformed JSON", reason.removeprefix("JSON is malformed: "))


def _suspect(body: bytes, value: Any) -> bool:
    """False only when the body has no name twice, no ``\\u0000`` and no integer beyond 64 bits.

    A colon of the body is either a member's or a string's. Writing the value again gives the same count, unless a
    member was lost because its name came twice. An escaped colon (``\\u003a``) would cancel one out: suspect.
    """
    if b"\\u00" in body and (b"\\u0000" in body or b"\\u003" in body):
        return True
    try:
        return orjson.dumps(value, default=str).count(b":") != body.count(b":")
    except TypeError:
        return True


class _Members(list[tuple[str, Any]]):
    """An object's members as they stand in the text, repeated names included."""


class _Number(str):
    """A number's text, not yet worked with."""


def _located(body: bytes) -> list[JsonFault]:
    """Every place that the fast reading cannot name. Slow: for bodies that are about to be refused."""
    try:
        tree = json.loads(body, object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number)
    except RecursionError:
        return [_NESTED]
    except ValueError as error:
        return [_malformed(str(error))]
    return [fault for fault, _ in zip(_walk(tree), range(_SUSPECT_LIMIT), strict=False)]


def _walk(tree: Any) -> Iterator[JsonFault]:
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    while pending:
        path, node = pending.pop()
        if isinstance(node, _Members):
            yield from _repeated(path, node)
            pending.extend(((*path, name), value) for name, value in reversed(node))
        elif isinstance(node, list):
            pending.extend(((*path, index), node[index]) for index in reversed(range(len(node))))
        elif isinstance(node, _Number):
            if not _number_is_bounded(node):
                yield JsonFault(pointer(path), BOUNDS, "number")
        elif isinstance(node, str) and "\0" in node:
            yield JsonFault(pointer(path), "text without \\u0000", "string")


def _repeated(path: tuple[str | int, ...], members: _Members) -> Iterator[JsonFault]:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            yield JsonFault(pointer((*path, name)), "each name once", "a name twice")
        if "\0" in name:
            yield JsonFault(pointer((*path, name)), "a name without \\u0000", "string")
        seen.add(name)


def _number_is_bounded(text: str) -> bool:
    try:
        return within_bounds(_integral(Decimal(text)))
    except ArithmeticError:
        return False


def _integral(number: Decimal) -> int | Decimal:
    """Plain integers are judged as integers, as they come from the decoder."""
    return int(number) if number.as_tuple().exponent == 0 and number.adjusted() <= 2 * MAX_EXPONENT else number


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
    if type(value) is int and value.bit_length() > 63:
        return Decimal(value)
    return value


def digest(document: Any) -> str:
    """SHA-256 over the document with sorted names. ``19.9`` and ``19.90`` differ: a digit is a change."""
    try:
        text = orjson.dumps(document, default=_written, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return digest(_wide_integers_as_decimals(document))
    return hashlib.sha256(text).hexdigest()
