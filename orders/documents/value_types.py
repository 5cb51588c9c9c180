"""The types of a document's members: each a rule, its words for a person and its limits for a JSON Schema.

Patterns are in the words of JSON Schema (ECMA-262), which Python's ``re`` reads the same.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from orders.documents.rules import (
    CASE_TOKEN,
    COUNTRY,
    CURRENCY,
    ID_LENGTH,
    TEXT_LENGTH,
    Rule,
    is_boolean,
    is_code,
    is_code_or_empty,
    is_id,
    is_instant,
    is_number,
    is_text,
    matches,
)
from orders.documents.strict_json import BOUNDS

_LINES_ONLY = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"

_ID_PATTERN = r"^(?:[^.\s{0}](?:[^{0}]*[^\s{0}])?|\.(?:[^.\s{0}]|[^{0}]+[^\s{0}]))$".replace(
    "{0}", r"\u0000-\u001f\u007f-\u009f"
)
"""The same as ``check_id``, without its length."""


def _string(expected: str, holds: Callable[[Any], bool], **limits: Any) -> Rule:
    return Rule("string", expected, holds, limits)


Id = Annotated[
    str,
    _string(
        'string that is an id: 1 to 128 characters, no control characters, no blank at either end, not "." or ".."',
        is_id,
        minLength=1,
        maxLength=ID_LENGTH,
        pattern=_ID_PATTERN,
    ),
]
Code = Annotated[
    str,
    _string(
        "string of 1 to 128 characters without control characters",
        is_code,
        minLength=1,
        maxLength=ID_LENGTH,
        pattern=_LINES_ONLY,
    ),
]
CodeOrEmpty = Annotated[
    str,
    _string(
        "string of at most 128 characters without control characters",
        is_code_or_empty,
        maxLength=ID_LENGTH,
        pattern=_LINES_ONLY,
    ),
]
Text = Annotated[
    str,
    _string(
        "string of at most 2,000 characters without control characters",
        is_text,
        maxLength=TEXT_LENGTH,
        pattern=_LINES_ONLY,
    ),
]
_BOUNDS = {"exclusiveMinimum": -1e31, "exclusiveMaximum": 1e31}
Number = Annotated[int | Decimal, Rule("number", BOUNDS, is_number, _BOUNDS)]
Boolean = Annotated[bool, Rule("boolean", "true or false", is_boolean)]
Currency = Annotated[
    str, _string("string of three capital letters, such as EUR", matches(CURRENCY), pattern=f"^{CURRENCY.pattern}$")
]
Country = Annotated[
    str, _string("string of two capital letters, such as DK", matches(COUNTRY), pattern=f"^{COUNTRY.pattern}$")
]
CaseToken = Annotated[str, _string('string of "c." and a GUID', matches(CASE_TOKEN), pattern=f"^{CASE_TOKEN.pattern}$")]
Instant = Annotated[
    str,
    _string(
        "string that is an ISO 8601 date and time with its zone, such as 2026-11-20T10:00:00Z",
        is_instant,
        format="date-time",
    ),
]


def member(description: str, *examples: Any, **rules: Any) -> Any:
    """A member of a model: what it means, and an example unless its own members or its one value give it."""
    return Field(description=description, examples=list(examples) or None, **rules)


def optional(description: str, *examples: Any, **rules: Any) -> Any:
    """A member that may be absent."""
    return member(description, *examples, default=None, **rules)


class Model(BaseModel):
    """Members in camelCase, and no others. Its docstring is its description."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", defer_build=True)


class OpenModel(Model):
    """There can be members that the document does not name."""

    model_config = ConfigDict(extra="ignore")
