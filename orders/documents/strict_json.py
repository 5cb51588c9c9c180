"""Reading JSON strictly: the only place that turns a stranger's bytes into values.

msgspec makes ``int`` and ``Decimal`` (never a binary float) and refuses bad UTF-8, NaN and lone surrogates. What it
lets through (a name twice, huge integers, ``\\u0000``) is found in two steps: a cheap test that can only err on the
side of suspicion, then, for a suspect, a pass of its own that names each place
(docs/reference/customer-order.md#numbers).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec
import orjson

from orders.documents.pointers import pointer

MAX_DIGITS = 30
"""Significant digits of a number (docs/reference/customer-order.md#numbers)."""
MAX_EXPONENT = 30
"""Scientific exponent of a number, both ways (same place)."""
MAX_DEPTH = 20
"""Objects and lists inside one another: twice what an order nests, far below what the readers themselves bear."""
BOUNDS = f"number of at most {MAX_DIGITS} significant digits and an exponent within ±{MAX_EXPONENT}"

_INT_LIMIT = 10**MAX_DIGITS
_FAULT_LIMIT = 20
"""Faults listed for one body; the sender needs the first ones, not a list as long as the body."""


@dataclass(frozen=True, slots=True)
class JsonFault:
    """Where a body is not JSON as the hub takes it. ``note`` is for a person and may hold a position."""

    pointer: str
    expected: str
    found: str
    note: str = ""


class JsonError(Exception):
    """The body is not JSON as the hub takes it; ``faults`` say where and why."""

    def __init__(self, *faults: JsonFault) -> None:
        super().__init__(faults[0].found)
        self.faults = faults


def within_bounds(number: int | Decimal) -> bool:
    """Judge the value, so that a number written out (1e30 as 1000…) is judged as it was when it came in."""
    if isinstance(number, Decimal):
        if not number.is_finite() or not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
            return False
        _, digits, exponent = number.as_tuple()
        if len(digits) <= MAX_DIGITS or int(exponent) < 0:
            return len(digits) <= MAX_DIGITS
        number = int(number)
    return -_INT_LIMIT < number < _INT_LIMIT or (abs(number) < 10 * _INT_LIMIT and number % 10 == 0)


class _NumberError(Exception):
    """Stops the decoder at a number that must not be worked with."""


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not within_bounds(number):
        raise _NumberError
    return number


_strict = msgspec.json.Decoder(float_hook=_decimal)

_NESTED = JsonFault("", f"at most {MAX_DEPTH} levels of nesting", "more")


def parse(body: bytes) -> Any:
    """The body's value; raises JsonError."""
    try:
        value = _strict.decode(body)
    except UnicodeDecodeError:
        raise JsonError(JsonFault("", "JSON in UTF-8", "other bytes")) from None
    except RecursionError:
        raise JsonError(_NESTED) from None
    except (_NumberError, ArithmeticError, msgspec.ValidationError):
        raise JsonError(*(_located(body) or [_malformed("")])) from None
    except msgspec.DecodeError as error:
        raise JsonError(_malformed(str(error))) from None
    if deeper_than(MAX_DEPTH, value):
        raise JsonError(_NESTED)
    if _suspect(body, value) and (faults := _located(body)):
        raise JsonError(*faults)
    return value


def deeper_than(levels: int, value: Any) -> bool:
    """Whether more objects and lists than that stand inside one another, the innermost empty or not.

    Looked at level by level, so that the cost is that of ``levels``, however deep the value goes.
    """
    level = [value]
    for _ in range(levels):
        level = [inner for node in level if isinstance(node, list | dict) for inner in _inner(node)]
    return any(isinstance(node, list | dict) for node in level)


def _inner(node: list[Any] | dict[str, Any]) -> Iterable[Any]:
    if isinstance(node, _Members):
        return (value for _, value in node)
    return node.values() if isinstance(node, dict) else node


def raw_member(body: bytes, name: str) -> bytes:
    """The text of one member of an object that ``parse`` has taken, as it stands there."""
    return bytes(_members.decode(body)[name])


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _malformed(reason: str) -> JsonFault:
    return JsonFault("", "well-formed JSON", "malformed JSON", reason.removeprefix("JSON is malformed: "))


_TELLING_ESCAPES = (b"\\u0000", b"\\u003a", b"\\u003A")


def _suspect(body: bytes, value: Any) -> bool:
    """False only when the body has no name twice, no ``\\u0000`` and no integer beyond 64 bits.

    A colon of the body is either a member's or a string's. Writing the value again gives the same count, unless a
    member was lost because its name came twice. An escaped colon (``\\u003a``) would cancel one out: suspect.
    """
    if b"\\u00" in body and any(escape in body for escape in _TELLING_ESCAPES):
        return True
    try:
        return orjson.dumps(value, default=str).count(b":") != body.count(b":")
    except TypeError:
        return True


class _Members(list[tuple[str, Any]]):
    """An object's members as they stand in the text, repeated names included."""


class _OutOfBounds:
    """Stands for a number that must not be worked with."""


def _located(body: bytes) -> list[JsonFault]:
    """Every place that the fast reading cannot name. Slow: for bodies that are about to be refused."""
    try:
        tree = json.loads(body, object_pairs_hook=_Members, parse_int=_judged, parse_float=_judged)
    except RecursionError:
        return [_NESTED]
    except ValueError as error:
        return [_malformed(str(error))]
    return [_NESTED] if deeper_than(MAX_DEPTH, tree) else list(islice(_walk(tree), _FAULT_LIMIT))


def _judged(text: str) -> _OutOfBounds | None:
    if len(text) <= MAX_DIGITS and text.isdigit():
        return None
    try:
        return None if within_bounds(Decimal(text)) else _OutOfBounds()
    except ArithmeticError:
        return _OutOfBounds()


_Path = tuple[str | int, ...]


def _walk(tree: Any) -> Iterator[JsonFault]:
    """Depth first, in the order of the text."""
    yield from _faults_at((), tree)
    pending = [_children((), tree)]
    while pending:
        found = next(pending[-1], None)
        if found is None:
            pending.pop()
            continue
        yield from _faults_at(*found)
        pending.append(_children(*found))


_WORTH_A_LOOK = (list, str, _OutOfBounds)


def _children(path: _Path, node: Any) -> Iterator[tuple[_Path, Any]]:
    if isinstance(node, _Members):
        return (((*path, name), value) for name, value in node if isinstance(value, _WORTH_A_LOOK))
    inner = node if isinstance(node, list) else ()
    return (((*path, index), value) for index, value in enumerate(inner) if isinstance(value, _WORTH_A_LOOK))


def _faults_at(path: _Path, node: Any) -> Iterator[JsonFault]:
    if isinstance(node, _Members):
        yield from _name_faults(path, node)
    elif isinstance(node, _OutOfBounds):
        yield JsonFault(pointer(path), BOUNDS, "number")
    elif isinstance(node, str) and "\0" in node:
        yield JsonFault(pointer(path), "string without \\u0000", "string")


def _name_faults(path: _Path, members: _Members) -> Iterator[JsonFault]:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            yield JsonFault(pointer((*path, name)), "each name once", "a name twice")
        if "\0" in name:
            yield JsonFault(pointer((*path, name)), "name without \\u0000", "string")
        seen.add(name)
