"""What a simulator is asked and what it answers, as values, and JSON whose numbers keep their digits.

No Django and nothing of the hub: a simulator is a stranger to the code it is used against.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, unquote


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


def read_json(text: bytes | str) -> Any:
    """Parse JSON, numbers as ``Digits``. Raises ValueError (also for bytes that are not UTF-8)."""
    return json.loads(text, parse_float=Digits, parse_int=Digits)


def write_json(value: Any) -> str:
    """Write JSON; ``Digits`` and ``Decimal`` keep their digits."""
    if isinstance(value, Digits):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(name))}:{write_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(write_json(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in."""

    method: str
    target: str
    """The request target, still percent-encoded, with its query."""
    headers: Message
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def segments(self) -> list[str]:
        """The path's segments, each percent-decoded once, so that ``%2F`` stays inside its segment."""
        return [unquote(segment) for segment in self.path.split("/")[1:]]

    @property
    def query(self) -> dict[str, str]:
        return _first_values(self.target.partition("?")[2])

    @property
    def form(self) -> dict[str, str]:
        """The body's members when it is form-encoded, else none."""
        if not self.header("Content-Type").startswith("application/x-www-form-urlencoded"):
            return {}
        return _first_values(self.body.decode("utf-8", "replace"))

    def json_object(self) -> dict[str, Any]:
        """The body's JSON object, numbers as ``Digits``. Raises ValueError."""
        data = read_json(self.body)
        if not isinstance(data, dict):
            raise ValueError("The body must be a JSON object.")
        return data

    def header(self, name: str) -> str:
        return str(self.headers.get(name) or "")

    @property
    def basic(self) -> tuple[str, str] | None:
        """User name and password of a Basic ``Authorization`` header."""
        kind, _, value = self.header("Authorization").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        except ValueError:
            return None
        return (user, password) if colon else None

    @property
    def bearer(self) -> str | None:
        kind, _, value = self.header("Authorization").partition(" ")
        return value.strip() if kind.lower() == "bearer" else None

    def as_entry(self) -> dict[str, Any]:
        """The call as ``GET /_received`` lists it."""
        return {
            "at": timestamp(self.at),
            "method": self.method,
            "path": self.target,
            "headers": dict(self.headers.items()),
            "body": self.body.decode("utf-8", "backslashreplace"),
        }


def _first_values(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as the hub writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; ``after`` runs once the bytes are out (or the connection was dropped instead)."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[], object] | None = None


def _bytes(text: str) -> bytes:
    r"""UTF-8; a lone surrogate, which a caller's JSON may hold, goes back as the escape it came as."""
    return text.encode("utf-8", "backslashreplace")


def json_answer(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body=_bytes(write_json(data)), headers=headers or {})


def xml_answer(text: str, *, status: int = 200) -> Answer:
    return Answer(status=status, body=text.encode("utf-8", "xmlcharrefreplace"), content_type="text/xml; charset=utf-8")


def html_answer(title: str, inside: str, *, status: int = 200) -> Answer:
    """A plain page; ``inside`` is markup whose values are already escaped."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:72rem}}"
        "table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.2rem .6rem;text-align:left}"
        f"pre{{white-space:pre-wrap}}</style></head><body><h1>{title}</h1>{inside}</body></html>"
    )
    return Answer(status=status, body=_bytes(page), content_type="text/html; charset=utf-8")
