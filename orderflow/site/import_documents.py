"""Import documents as OrderFlow reads them: frozen dataclasses in, bytes out. No Django, no network.

An import is a list of ``name=value`` lines inside an XML element (docs/reference/orderflow.md#import-documents). What
cannot be said in that form is refused here, before anything is sent:

    NotSendable     the import cannot be written; ``member`` names what is wrong, the text says what to change
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from lxml import etree

ImportType = Literal["order", "product"]
Operation = Literal["insert", "update", "merge"]
Value = str | int | Decimal | bool

REFERENCE_LIMIT = 120
"""Longest externalReference, of orders and products alike (docs/reference/orderflow.md#import-documents)."""

DIGITS_LIMIT = 200
"""Above any sum of an order of ours (two numbers of 30 digits, exponents within ±30, 2,000 lines); without a bound
``1E+999999999`` would be written as a gigabyte."""

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


class NotSendable(Exception):
    """The import cannot be sent as it is."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Import:
    """One ``<import>``: properties are already the texts that go on the lines."""

    type: ImportType
    operation: Operation
    reference: str
    properties: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """Names the content, whatever the operation: equal digests mean the warehouse would hold the same."""
        return hashlib.sha256(f"{self.type}\n{self.reference}\n{lines(self)}".encode()).hexdigest()

    def value(self, name: str) -> str | None:
        return next((value for own, value in self.properties if own == name), None)


def lines(item: Import) -> str:
    """The import's property lines, one per line, without indentation."""
    return "\n".join(f"{name}={value}" for name, value in item.properties)


def document(imports: Iterable[Import]) -> bytes:
    """One document of many imports, UTF-8."""
    root = etree.Element("imports")
    root.text = "\n  "
    element = None
    for item in imports:
        element = etree.SubElement(
            root, "import", {"type": item.type, "operation": item.operation, "externalReference": item.reference}
        )
        element.text = "".join(f"\n    {name}={value}" for name, value in item.properties) + "\n  "
        element.tail = "\n  "
    if element is not None:
        element.tail = "\n"
    return DECLARATION + etree.tostring(root, encoding="UTF-8", xml_declaration=False) + b"\n"


def reference_text(member: str, value: str) -> str:
    """A reference as it may stand in ``externalReference``."""
    if not value:
        raise NotSendable(member, "is empty, and OrderFlow needs a reference.")
    if value != value.strip() or _CONTROL.search(value):
        raise NotSendable(member, "has a blank at its edge or a control character, which a reference cannot have.")
    return text(member, value, limit=REFERENCE_LIMIT)


def property_name(name: str) -> str:
    """A property's name, or NotSendable: a name with ``=`` or a line break would become another property."""
    if not _NAME.fullmatch(name):
        raise NotSendable(name, "is not the name of an OrderFlow property (letters, digits, _ and . only).")
    return name


def value_text(member: str, value: Value, *, limit: int | None = None) -> str:
    """Any plain value as it is written on a property line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return number(member, value)
    return text(member, value, limit=limit)


def text(member: str, value: str, *, limit: int | None = None) -> str:
    """Text for a property line. Line breaks become ``[BR]``; a backslash at the end, which a reader of property
    lines may take for a continuation, gets a blank behind it."""
    if (illegal := _NOT_XML.search(value)) is not None:
        raise NotSendable(member, f"has the character U+{ord(illegal[0]):04X}, which XML cannot carry. Remove it.")
    plain = _BREAK.sub("\n", value)
    if limit is not None and len(plain) > limit:
        raise NotSendable(member, f"has {len(plain)} characters; OrderFlow takes at most {limit}. Shorten it.")
    plain = plain.replace("\n", "[BR]")
    return plain + " " if plain.endswith("\\") else plain


def number(member: str, value: int | Decimal) -> str:
    """Exact, with a point and without an exponent; a zero has no sign."""
    exact = Decimal(value)
    if not exact.is_finite() or abs(exact.adjusted()) > DIGITS_LIMIT or len(exact.as_tuple().digits) > DIGITS_LIMIT:
        raise NotSendable(member, "is not a number OrderFlow could store.")
    return format(exact if exact else abs(exact), "f")


def time(member: str, value: datetime, *, zone: ZoneInfo) -> str:
    """``yyyy-MM-dd HH:mm:ss`` in the site's zone; fractions of a second are cut."""
    try:
        local = value.astimezone(zone)
    except OverflowError:
        raise NotSendable(member, "is a time beyond the calendar.") from None
    return local.replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
