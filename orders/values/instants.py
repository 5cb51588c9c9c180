"""Moments as the API writes them, and which of a partner's may be kept; orders.documents.rules reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def instant(moment: datetime) -> str: ...


@overload
def instant(moment: datetime | None) -> str | None: ...


def instant(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and ``Z``; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_every_zone(moment: datetime) -> bool:
    """Whether every zone can write it: a page in its reader's own zone must not fall over a partner's last second."""
    return 1 < moment.year < 9999
