"""Item patterns of suppliers and channels: ``*`` any run, ``?`` any one character, case counts. No Django."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Everything but the two wildcards stands for itself.

    The middle pieces match their first occurrence for good (atomic groups), so a hostile pattern stays linear.
    """
    first, *rest = (re.escape(piece).replace(r"\?", ".") for piece in pattern.split("*"))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}", re.DOTALL)


def matches(pattern: str, item_id: str) -> bool:
    """Whether the pattern covers the whole item id."""
    return _compiled(pattern).fullmatch(item_id) is not None


def taken_by(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether an item id matches one of the patterns."""
    compiled = [_compiled(pattern) for pattern in patterns]
    return lambda item_id: any(pattern.fullmatch(item_id) is not None for pattern in compiled)


@lru_cache(maxsize=4096)
def both_take(one: str, other: str) -> bool:
    """Whether some item id is covered by both patterns. Quadratic in their lengths, whatever they hold."""
    reached = {0}
    for place, sign in enumerate([*one, ""]):
        reached = _skipped(reached, other)
        if place == len(one):
            return len(other) in reached
        if sign == "*":
            reached = set(range(min(reached, default=len(other) + 1), len(other) + 1))
            continue
        stay = {at for at in reached if at < len(other) and other[at] == "*"}
        step = {at + 1 for at in reached if at < len(other) and (other[at] in ("?", sign) or sign == "?")}
        reached = stay | step
    return False


def _skipped(reached: set[int], pattern: str) -> set[int]:
    """The places reached, and those behind a ``*`` that stands for nothing."""
    found = set(reached)
    for at, sign in enumerate(pattern):
        if sign == "*" and at in found:
            found.add(at + 1)
    return found
