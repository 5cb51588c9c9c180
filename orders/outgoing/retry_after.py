"""How long a partner asks to be left alone: ``Retry-After`` (RFC 9110, section 10.2.3), seconds or a date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DIGITS = 10
"""Read of a number: more seconds than these can say are three centuries."""


def asked_wait(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds, 0 for a date that has passed; None where nothing is asked, or nothing that can be read."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:DIGITS])
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):  # a day beyond what a computer counts overflows
        return None
