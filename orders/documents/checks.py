"""A document against the schema: what is wrong and what is unknown, all at once, each with its JSON pointer.

Pydantic runs the schema of ``schema.py``; this module turns its errors into words. Unknown members are errors for a
PUT (a typo must not lose data silently) and dropped, with a note, from an external answer (customer-order.md
section 2). One schema, validated strictly; only an answer with unknown members is validated a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import get_type_hints

from orders.documents.pointers import pointer
from orders.documents.rules import Rule
from orders.documents.schema import MAX_ITEMS
from orders.problems import Fault

MAX_MISMATCHES = 100
"""Mismatches listed for one document: a body of 2,000 wrong lines gets an answer that a person can read."""

_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
_UNKNOWN = "extra_forbidden"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a document breaks the schema. ``found`` is a type or "nothing", never a value."""

    pointer: str
    expected: str
    found: str
    note: str = ""

    @property
    def detail(self) -> str:
        """One sentence for the person who sent or operates it."""
        return f"{self._sentence()} ({self.note})." if self.note else f"{self._sentence()}."

    def _sentence(self) -> str:
        if self.found == "nothing":
            return f"A required member is missing: expected {self.expected}, found nothing"
        if self.found == "null":
            return f"A required member is null, which counts as missing: expected {self.expected}, found null"
        return f"Expected {self.expected}, found {self.found}"

    def as_fault(self) -> Fault:
        return Fault(self.pointer, self.detail)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. ``document`` is whole when there is no mismatch, else empty."""

    document: dict[str, Any]
    mismatches: tuple[Mismatch, ...] = ()
    unknown: tuple[str, ...] = ()
    """Pointers of the members that were dropped because the schema does not know them."""

    @property
    def faults(self) -> list[Fault]:
        return [mismatch.as_fault() for mismatch in self.mismatches]


class Schema:
    """One TypedDict of ``schema.py`` with its validator."""

    def __init__(self, shape: Any) -> None:
        self._shape = shape
        self._adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(shape)

    def check(self, value: Any, *, strict: bool) -> Checked:
        """Never raises for what the value is. ``strict``: an unknown member is a mismatch."""
        try:
            return Checked(without_nulls(self._adapter.validate_python(value)))
        except ValidationError as error:
            return self._explained(value, error.errors(include_url=False), strict=strict)

    def _explained(self, value: Any, errors: Sequence[ErrorDetails], *, strict: bool) -> Checked:
        unknown = [error for error in errors if error["type"] == _UNKNOWN]
        if strict or len(unknown) < len(errors):
            told = errors if strict else [error for error in errors if error["type"] != _UNKNOWN]
            return Checked({}, _capped([self._mismatch(error) for error in told]), _pointers(unknown))
        document = self._adapter.validate_python(value, extra="ignore")
        return Checked(without_nulls(document), unknown=_pointers(unknown))

    def _mismatch(self, error: ErrorDetails) -> Mismatch:
        where = pointer(error["loc"])
        found = "nothing" if error["type"] == "missing" else kind_of(error["input"])
        if error["type"] == _UNKNOWN:
            return Mismatch(where, "no member of this name", found, "correct the name or leave it out")
        if error["type"] == "too_long":
            return Mismatch(where, f"at most {MAX_ITEMS:,} items", f"an array of {error['ctx']['actual_length']:,}")
        if error["type"] == "rule" and error["ctx"]["kind"] == found:
            return Mismatch(where, error["ctx"]["expected"], f"another {found}")
        return Mismatch(where, _kind_at(self._shape, error["loc"]), found)

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of the shape, for the OpenAPI document."""
        return self._adapter.json_schema(ref_template="#/components/schemas/{model}")


def _capped(mismatches: list[Mismatch]) -> tuple[Mismatch, ...]:
    more = len(mismatches) - MAX_MISMATCHES
    if more <= 0:
        return tuple(mismatches)
    rest = Mismatch("", "a document of the schema", f"{more:,} more mismatches", "correct the listed ones first")
    return (*mismatches[:MAX_MISMATCHES], rest)


def _pointers(errors: Iterable[ErrorDetails]) -> tuple[str, ...]:
    return tuple(pointer(error["loc"]) for error in errors)


def kind_of(value: Any) -> str:
    """The JSON type of a value, in one word."""
    return _KINDS.get(type(value), "number")


def without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    """Drop members that are null, at every level: null is the same as absence and is not answered."""
    for name in [name for name, value in document.items() if not _kept(value)]:
        del document[name]
    return document


def _kept(value: Any) -> bool:
    if type(value) is dict:
        without_nulls(value)
    elif type(value) is list:
        for member in value:
            _kept(member)
    return value is not None


@cache
def _kind_at(shape: Any, loc: tuple[str | int, ...]) -> str:
    """The JSON type that the schema wants at a place."""
    for part in loc:
        shape = _bare(get_args(shape)[0] if isinstance(part, int) else get_type_hints(shape, include_extras=True)[part])
    if get_origin(shape) is Annotated:
        return next(rule.kind for rule in get_args(shape) if isinstance(rule, Rule))
    return "array" if get_origin(shape) is list else "object"


def _bare(shape: Any) -> Any:
    """The type without what says that it may be absent, null or is limited in length."""
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is NotRequired or origin in (Union, UnionType):
        return _bare(arguments[0])
    if origin is Annotated and not any(isinstance(argument, Rule) for argument in arguments):
        return _bare(arguments[0])
    return shape
