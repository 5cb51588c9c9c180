"""Moments as the API writes them; orders.documents.rules reads them."""

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
