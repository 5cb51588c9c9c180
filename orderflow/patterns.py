"""Item patterns of a channel: ``*`` and ``?`` are wildcards, case counts, all else stands for itself. No Django."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """``fnmatch`` writes an expression that never backtracks over more than one ``*``."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def taken_by(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether an item id matches one of the patterns."""
    compiled = [_compiled(pattern) for pattern in patterns]
    return lambda item_id: any(pattern.match(item_id) is not None for pattern in compiled)
