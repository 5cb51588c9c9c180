"""A document against the schema: what is wrong and what is unknown, all at once, each with its JSON pointer.

Pydantic runs the schema of ``schema.py``; this module turns its errors into words. Unknown members are dropped, with a
note, from orders, whichever way they come (docs/reference/customer-order.md#values), and errors in other bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from orders.documents.pointers import pointer
from orders.documents.shape import node_of
from orders.values.problems import Fault

MAX_MISMATCHES = 100
"""Mismatches, or dropped members, listed for one document: 2,000 wrong lines get an answer that a person can read."""

NO_MEMBER = "no member of this name"
"""What the schema expects in the place of a member that it does not know."""

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
        if self.expected == NO_MEMBER:
            return f"Unknown member, found {with_article(self.found)}: correct its name or leave it out."
        if self.found == "nothing":
            return f"A required member is missing: expected {with_article(self.expected)}, found nothing."
        note = f" ({self.note})" if self.note else ""
        return f"Expected {with_article(self.expected)}, found {self._found_in_words()}{note}."

    def _found_in_words(self) -> str:
        return f"another {self.found}" if self.expected.startswith(f"{self.found} ") else with_article(self.found)

    def as_fault(self) -> Fault:
        return Fault(self.pointer, self.detail)


_ARTICLES = {"string": "a", "number": "a", "boolean": "a", "object": "an", "array": "an", "name": "a"}


def with_article(words: str) -> str:
    article = _ARTICLES.get(words.partition(" ")[0])
    return f"{article} {words}" if article else words


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. ``document`` is whole when there is no mismatch, else empty."""

    document: dict[str, Any]
    mismatches: tuple[Mismatch, ...] = ()
    dropped: tuple[Mismatch, ...] = ()
    """Members that the schema does not know and that are not in ``document``."""

    @property
    def faults(self) -> list[Fault]:
        return [mismatch.as_fault() for mismatch in self.mismatches]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Pointers of the dropped members."""
        return tuple(mismatch.pointer for mismatch in self.dropped)


class Schema:
    """One TypedDict of ``schema.py`` with its validator."""

    def __init__(self, typed_dict: Any) -> None:
        self._adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(typed_dict)
        self._shape = node_of(typed_dict)

    def check(self, value: Any, *, strict: bool) -> Checked:
        """Never raises for what the value is. ``strict``: an unknown member is a mismatch, else it is dropped."""
        try:
            return Checked(without_nulls(self._adapter.validate_python(value, extra="forbid")))
        except ValidationError as error:
            return Checked({}, self._mismatches(error.errors(include_url=False))) if strict else self._lenient(value)

    def _lenient(self, value: Any) -> Checked:
        try:
            document = self._adapter.validate_python(value, extra="ignore")
        except ValidationError as error:
            return Checked({}, self._mismatches(error.errors(include_url=False)))
        return Checked(without_nulls(document), dropped=self._dropped(value))

    def _dropped(self, value: Any) -> tuple[Mismatch, ...]:
        strangers = islice(self._shape.strangers(value), MAX_MISMATCHES)
        return tuple(Mismatch(pointer(path), NO_MEMBER, kind_of(member)) for path, member in strangers)

    def _mismatches(self, errors: Sequence[ErrorDetails]) -> tuple[Mismatch, ...]:
        listed = tuple(self._mismatch(error) for error in errors[:MAX_MISMATCHES])
        if len(errors) <= MAX_MISMATCHES:
            return listed
        return (*listed, Mismatch("", "no other mismatch", f"{len(errors) - MAX_MISMATCHES:,} more, not listed"))

    def _mismatch(self, error: ErrorDetails) -> Mismatch:
        path, kind = error["loc"], error["type"]
        found = "nothing" if kind == "missing" else kind_of(error["input"])
        return Mismatch(pointer(path), self._expected(path, error, found), found)

    def _expected(self, path: tuple[str | int, ...], error: ErrorDetails, found: str) -> str:
        if error["type"] == _UNKNOWN:
            return NO_MEMBER
        if error["type"] == "too_long":
            return f"array of at most {error['ctx']['max_length']:,} items"
        wanted = self._shape.at(path).kind
        return error["ctx"]["expected"] if found == wanted and error["type"] == "rule" else wanted


def kind_of(value: Any) -> str:
    """The JSON type of a value, in one word."""
    return _KINDS.get(type(value), "number")


def without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    """Drop members that are null, at every level: null is the same as absence and is not answered. In place."""
    if None in document.values():
        for name in [name for name, value in document.items() if value is None]:
            del document[name]
    for value in document.values():
        if type(value) is dict:
            without_nulls(value)
        elif type(value) is list:
            for member in value:
                without_nulls(member)
    return document
