"""When a failed attempt is retried. A schedule is the seconds before retry 1, 2, …; after the last retry it is dead."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

JITTER = 0.2
"""Deliveries wait up to 20 % longer, so that a partner that comes back does not get all of them at once
(docs/reference/environment.md#retries-and-breaker)."""
RETRY_AFTER_LEAST, RETRY_AFTER_MOST = 1.0, 3600.0
"""Bounds of a partner's Retry-After (docs/reference/supplier-events.md#outcomes)."""


def next_try(
    schedule: Sequence[float], tries: int, *, now: datetime, jitter: float = 0.0, retry_after: float | None = None
) -> datetime | None:
    """When to try again after ``tries`` failures; None after the last retry. Units: seconds."""
    if tries > len(schedule):
        return None
    seconds = schedule[tries - 1] * (1 + random.uniform(0, jitter))  # noqa: S311  # spreads load, guards nothing
    if retry_after is not None:
        seconds = max(seconds, bounded(retry_after))
    return now + timedelta(seconds=seconds)


def bounded(retry_after: float) -> float:
    """``retry_after`` in seconds, limited to RETRY_AFTER_LEAST..RETRY_AFTER_MOST."""
    return min(max(retry_after, RETRY_AFTER_LEAST), RETRY_AFTER_MOST)
