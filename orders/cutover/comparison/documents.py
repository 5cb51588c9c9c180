"""Compare two documents of one order: the tenant's own system (there) and the stored copy (here), member by member.

Entries of a list are matched by their id where every entry has its own, else by position. An erased value is no
difference: the tenant's own system may keep it longer, and a comparison must not store it here again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from orders.documents import load, parse_instant, render
from orders.documents.pointers import pointer
from orders.masking.documents import ERASED, ERASED_COUNTRY, PERSONAL

VALUE, DIGITS, INSTANT = "value", "digits", "instant"
MISSING_HERE, MISSING_THERE, SEQUENCE = "missing here", "missing there", "sequence"
SEVERITY_ORDER = (MISSING_THERE, MISSING_HERE, VALUE, SEQUENCE, INSTANT, DIGITS)
"""Kinds of difference, the most severe first: of several at one member that one is shown."""
LISTED = ("customerOrderId", "customerId", "status")
"""What a search answers of an order."""
IDS = ("itemId", "discountId", "id")
TEXT_MOST = 4_000
"""Characters kept of a value. Texts of an order have at most 2,000; only whole objects and lists are longer."""

Path = tuple[str | int, ...]


class _Missing:
    """No member of this name, or no entry."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Found:
    """How one member differs; when entries of a list differ in the same way, the first of them."""

    member: str
    """JSON pointer with ``*`` for a list index; empty: the whole order."""
    kind: str
    pointer: str
    here: str
    """The value within its enclosing members, as JSON; empty when missing."""
    there: str
    places: int = 1


WHOLE_ORDER = Found("", MISSING_THERE, "", "", "")
"""The tenant's own system does not know an order that is stored."""


def compared(there: Any, here: Any) -> list[Found]:
    """The differences, one per member and kind. Both arguments are valid documents, or the same part of one."""
    found: dict[tuple[str, str], Found] = {}
    for path, kind, theirs, ours in _walk(there, here, ()):
        member = pointer("*" if isinstance(part, int) else part for part in path)
        known = found.get((member, kind))
        one = known or Found(member, kind, pointer(path), _inside(path, ours), _inside(path, theirs), places=0)
        found[member, kind] = replace(one, places=one.places + 1)
    return list(found.values())


_Differing = Iterator[tuple[Path, str, Any, Any]]


def _walk(there: Any, here: Any, path: Path) -> _Differing:
    if there is MISSING or here is MISSING:
        yield path, MISSING_HERE if here is MISSING else MISSING_THERE, there, here
    elif isinstance(there, dict) and isinstance(here, dict):
        for name in there | here:
            yield from _walk(there.get(name, MISSING), here.get(name, MISSING), (*path, name))
    elif isinstance(there, list) and isinstance(here, list):
        yield from _lists(there, here, path)
    elif (kind := _kind(there, here)) and not _erased(here, path):
        yield path, kind, there, here


def _kind(there: Any, here: Any) -> str:
    """The kind of difference between two plain values; empty when equal."""
    if isinstance(there, int | Decimal) and isinstance(here, int | Decimal):
        if there != here:
            return VALUE
        return "" if type(there) is int is type(here) or render(there) == render(here) else DIGITS
    if there == here:
        return ""
    return INSTANT if _instant(there) == _instant(here) is not None else VALUE


def _instant(value: Any) -> Any:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _lists(there: list[Any], here: list[Any], path: Path) -> _Differing:
    theirs, ours = _ids(there), _ids(here)
    if ours and _erased(next(iter(ours)), path):
        return
    if theirs is None or ours is None:
        if sorted(map(render, there)) == sorted(map(render, here)):
            if _rendered(there) != _rendered(here):
                yield path, SEQUENCE, MISSING, MISSING
            return
        theirs, ours = dict(enumerate(range(len(there)))), dict(enumerate(range(len(here))))
    if [one for one in theirs if one in ours] != [one for one in ours if one in theirs]:
        yield path, SEQUENCE, list(map(str, theirs)), list(map(str, ours))
    for one in theirs | ours:
        place = ours.get(one, theirs.get(one, 0))
        left = there[theirs[one]] if one in theirs else MISSING
        yield from _walk(left, here[ours[one]] if one in ours else MISSING, (*path, place))


def _rendered(entries: list[Any]) -> list[bytes]:
    return list(map(render, entries))


def _ids(entries: list[Any]) -> dict[Any, int] | None:
    """Position by id; None when an entry has no id, or two have the same."""
    name = next((name for name in IDS if entries and name in entries[0]), "")
    ids = {entry.get(name): place for place, entry in enumerate(entries)}
    return ids if len(ids) == len(entries) and None not in ids else None


def _erased(here: Any, path: Path) -> bool:
    return here in (ERASED, ERASED_COUNTRY) and _is_personal(path)


def _is_personal(path: Path) -> bool:
    if path[0] not in PERSONAL:
        return False
    inside = PERSONAL[str(path[0])]
    return inside is None or (len(path) > 1 and path[1] in inside)


def _inside(path: Path, value: Any) -> str:
    if value is MISSING:
        return ""
    text = render(value).decode()
    nested = value if len(text) <= TEXT_MOST else f"({len(text):,} characters; open the order to read them)"
    for part in reversed(path):
        nested = [nested] if isinstance(part, int) else {part: nested}
    return render(nested).decode()


def value_inside(text: str, at: str) -> str:
    """The value of ``Found.here`` or ``there`` as JSON without the members around it; ``at`` is ``Found.pointer``."""
    value = load(text) if text else MISSING
    for _ in range(at.count("/")):
        if isinstance(value, dict | list) and value:
            value = value[0] if isinstance(value, list) else next(iter(value.values()))
    return "" if value is MISSING else render(value).decode()
