"""The four status words of an order, the two that the hub acts on, and words that are nearly one of them.

Nothing else in the hub compares a status with a word (docs/reference/customer-order.md#status-words): rules ask
``is_cancelled``, ``is_fulfilled`` and ``is_ended`` about the status after the tenant's ``status_map``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

CREATED = "CREATED"
IN_PROGRESS = "IN_PROGRESS"
CANCELLED = "CANCELLED"
FULFILLED = "FULFILLED"
WORDS = (CREATED, IN_PROGRESS, CANCELLED, FULFILLED)

_JOINTS = re.compile(r"[\s_-]+")
_REMEMBERED = 4_096
"""Words whose likeness is kept: a sender uses a few dozen."""


def is_cancelled(status: str) -> bool:
    return status == CANCELLED


def is_fulfilled(status: str) -> bool:
    return status == FULFILLED


def is_ended(status: str) -> bool:
    """Whether suppliers and warehouses that know nothing of the order are to hear nothing any more."""
    return is_cancelled(status) or is_fulfilled(status)


@lru_cache(maxsize=_REMEMBERED)
def nearly(status: str) -> str | None:
    """The one of the four words that a status is like without being one of them, or None.

    Like is: other case, blanks, hyphens or underscores, and then at most one letter more, less, changed or swapped.
    """
    if status in WORDS:
        return None
    bare = _bare(status)
    return next((word for word in WORDS if _one_slip_apart(bare, _bare(word))), None)


def _bare(word: str) -> str:
    return _JOINTS.sub("", word.casefold())


def _one_slip_apart(one: str, other: str) -> bool:
    """Whether one insertion, deletion, change or swap of neighbours, or none, makes one text the other."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = long[:at] + long[at : at + 2][::-1] + long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or short == swapped


def ours(status: str, status_map: Mapping[str, str]) -> str:
    """The hub's word for a word of the tenant's; one that is not in the map passes unchanged."""
    return status_map.get(status, status)


def refused_because(status: str, status_map: Mapping[str, str]) -> str | None:
    """Why a sent status is refused: it is nearly a word that the hub acts on, and a cancellation would be lost."""
    meaning = ours(status, status_map)
    word = nearly(meaning)
    if word is None:
        return None
    return (
        f"{meaning!r} is not a status word of the hub, but nearly {word}. Send {word}; or, where it is a word of your "
        "own, let the hub's operators put it into the tenant's status_map."
    )


def unknown_word(status: str, status_map: Mapping[str, str]) -> str:
    """The status where the hub does not know it, else empty. A word in the map is known, whatever it is made to."""
    return "" if status in status_map or status in WORDS else status
