"""Why OrderFlow refused an import, by its text, and what to do (docs/reference/orderflow.md#errors). No Django."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from orderflow.site.reports import Failure


class Cause(enum.Enum):
    """Why OrderFlow refused one import."""

    NO_PRODUCT = "no product"
    BAD_VALUE = "bad value"
    NO_COURIER = "no courier"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Explanation:
    cause: Cause
    subject: str
    """The product, property or courier that OrderFlow named; empty where it named none."""
    advice: str
    """What a person can do about it."""
    property: str = ""
    """The property of the import that fails, where it is known."""
    value: str = ""
    """Its value, where OrderFlow repeats it."""


_NO_PRODUCT = re.compile(
    r"no product found for external reference:\s*(.{1,120}?)(?:\.? if this product\b|\.? make sure that|\.?$)", re.I
)
_BAD_VALUE = re.compile(
    r"failed to convert property value\b.{0,300}?\bfor property\s*'([^']*)'([^\"]{0,200}\"([^\"]*)\")?", re.I
)
_GIVEN = re.compile(r"failed to convert property value\s+['\"]([^'\"]*)['\"]", re.I)
_NO_COURIER = re.compile(r"identifier:\s*ref:courier:\s*(\S*?)[.'\"]?(?:\s|$)", re.I)
_NOT_SENT = re.compile(r"not sent\. (?!the reference )([^:]{1,200}): (?:is (?:“([^”]*)”|(-?[0-9][0-9.,]*)))?", re.I)
_COMMA = re.compile(r"(-?[0-9]+),([0-9]+)")


def explain(failure: Failure) -> Explanation:
    """The failing thing, picked out of OrderFlow's text, with the next step."""
    said = f"{failure.message} {failure.detail}".strip()
    if found := _NO_PRODUCT.search(said):
        advice = f"Import and activate the product {found[1]} in OrderFlow, then retry."
        return Explanation(Cause.NO_PRODUCT, found[1], advice, "product.externalReference", found[1])
    if found := _BAD_VALUE.search(said):
        given = _GIVEN.search(said)
        value = found[3] or (given[1] if given else "")
        advice = f"Correct the value of {found[1]}{_better(value)}, then send the order again."
        return Explanation(Cause.BAD_VALUE, found[1], advice, found[1], value)
    if found := _NO_COURIER.search(said):
        advice = f"Create the courier {found[1]} in OrderFlow or change shipment.courier."
        return Explanation(Cause.NO_COURIER, found[1], advice, "shipment.courier", f"ref:courier:{found[1]}")
    if found := _NOT_SENT.search(said):
        advice = f"Correct {found[1]} in the order, then send the order again."
        return Explanation(Cause.OTHER, found[1], advice, found[1], found[2] or found[3] or "")
    return Explanation(Cause.OTHER, "", "Correct what OrderFlow names, then retry.")


def _better(value: str) -> str:
    """A decimal comma is the one wrong number whose meaning is plain."""
    found = _COMMA.fullmatch(value.strip())
    return f" ({found[1]}.{found[2]} instead of {value.strip()})" if found else ""
