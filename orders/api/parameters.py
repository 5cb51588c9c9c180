"""Query parameters: known names only, each checked, all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rest_framework.request import Request

from orders.documents import check_id, parse_instant
from orders.values.problems import Fault, InvalidParameter

Parser = Callable[[str], Any]
NUL = "\x00"


def read_parameters(request: Request, parsers: Mapping[str, Parser]) -> dict[str, Any]:
    """The given parameters, parsed; an unknown, repeated or malformed one is InvalidParameter (400)."""
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    if not request.META.get("QUERY_STRING"):
        return values
    for name, given in request.query_params.lists():
        if name not in parsers:
            known = ", ".join(parsers) or "none"
            faults.append(Fault(f"/{name[:100]}", f"is not a parameter here; known: {known}"))
        elif len(given) > 1:
            faults.append(Fault(f"/{name}", "is given twice"))
        else:
            try:
                values[name] = parsers[name](given[0])
            except ValueError as error:
                faults.append(Fault(f"/{name}", str(error)))
    if faults:
        raise InvalidParameter(errors=faults)
    return values


def parsers(kinds: Mapping[str, Any]) -> dict[str, Parser]:
    """The parsers among the annotations of parameters' types."""
    return {name: next(part for part in kind.__metadata__ if callable(part)) for name, kind in kinds.items()}


def read_list(request: Request, name: str, parser: Parser, *, most: int) -> list[Any]:
    """The one parameter of an address that takes it several times: 1 to ``most`` values, each parsed.

    Raises InvalidParameter for none, too many, a malformed one, or any other parameter.
    """
    given = request.query_params.getlist(name)
    faults = [
        Fault(f"/{other[:100]}", f"is not a parameter here; known: {name}")
        for other in request.query_params
        if other != name
    ]
    if not 1 <= len(given) <= most:
        faults.append(Fault(f"/{name}", f"must be given 1 to {most} times"))
    values: list[Any] = []
    for one in given[:most]:
        try:
            values.append(parser(one))
        except ValueError as error:
            faults.append(Fault(f"/{name}", str(error)))
    if faults:
        raise InvalidParameter(errors=faults)
    return values


def whole(low: int, high: int) -> Parser:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 18 and low <= int(text) <= high):
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def one_of(*words: str) -> Parser:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def an_id(text: str) -> str:
    reason = check_id(text)
    if reason:
        raise ValueError(reason)
    return text


def an_instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        raise ValueError("must be a time with zone, such as 2026-11-20T10:00:00Z") from None


def text(given: str) -> str:
    if NUL in given or len(given) > 2_000:
        raise ValueError("must be a text of at most 2,000 characters without NUL")
    return given


NO_LIMIT = 2**53
DEFAULT_TAKE = 50
