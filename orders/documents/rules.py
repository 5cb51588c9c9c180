"""What a single value must be: ids, texts, numbers, times, codes.

A ``Rule`` is one plain-words expectation with its test; pydantic runs it as the type of a member. The rules:
docs/reference/customer-order.md#values and, of ids, docs/reference/api.md#ids. No type is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from orders.documents.strict_json import within_bounds

ID_LENGTH = 128
"""Characters of an id or a status (docs/reference/customer-order.md#values)."""
TEXT_LENGTH = 2_000
"""Characters of any other string (same place)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode category Cc, which is exactly these."""
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
CASE_TOKEN = re.compile(rf"c\.{_GUID}")
CURRENCY = re.compile(r"[A-Z]{3}")
COUNTRY = re.compile(r"[A-Z]{2}")
_INSTANT = re.compile(r"[0-9]{4}[-0-9W]*T[0-9:]+(?:[.,][0-9]+)?(?:Z|[+-][0-9:]+)")


@dataclass(frozen=True, slots=True)
class Rule:
    """A member's type: its JSON kind, what is expected in plain words, and the test of a value."""

    kind: str
    expected: str
    holds: Callable[[Any], bool]
    limits: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The same for a JSON Schema, as far as that can say it."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        holds = self.holds
        broken = PydanticCustomError("rule", "{expected}", {"expected": self.expected, "kind": self.kind})

        def check(value: Any) -> Any:
            if holds(value):
                return value
            raise broken

        return core_schema.no_info_plain_validator_function(check, json_schema_input_schema=core_schema.any_schema())

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": self.kind, **self.limits, **handler(core)}


def check_id(text: str) -> str | None:
    """Why the text cannot be an id, or None when it can (docs/reference/api.md#ids; also for path segments)."""
    if not text:
        return "an id is not empty"
    if len(text) > ID_LENGTH:
        return f"an id has at most {ID_LENGTH} characters"
    if text in (".", ".."):
        return 'an id is not "." or ".."'
    if text.isprintable():
        return "an id has no leading or trailing blank" if text[0] == " " or text[-1] == " " else None
    return _unprintable_id(text)


def _unprintable_id(text: str) -> str | None:
    if _CONTROL.search(text):
        return "an id has no control characters"
    if _SURROGATE.search(text):
        return "an id is Unicode text"
    return "an id has no leading or trailing blank" if text != text.strip() else None


def is_id(value: Any) -> bool:
    return type(value) is str and check_id(value) is None


def _is_plain(text: str) -> bool:
    return text.isprintable() or not (_CONTROL_BUT_LINES.search(text) or _SURROGATE.search(text))


def is_code(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= ID_LENGTH and _is_plain(value)


def is_code_or_empty(value: Any) -> bool:
    return value == "" or is_code(value)


def is_text(value: Any) -> bool:
    return type(value) is str and len(value) <= TEXT_LENGTH and _is_plain(value)


def is_number(value: Any) -> bool:
    return type(value) in (int, Decimal) and within_bounds(value)


def is_boolean(value: Any) -> bool:
    return value is True or value is False


def matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def parse_instant(text: str) -> datetime:
    """An ISO 8601 date and time with its zone, in UTC; raises ValueError, also when UTC puts it out of the calendar."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("not an ISO 8601 date and time with a zone")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None


def is_instant(value: Any) -> bool:
    if type(value) is not str or len(value) > ID_LENGTH:
        return False
    try:
        parse_instant(value)
    except ValueError:
        return False
    return True
