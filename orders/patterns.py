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
