"""Lengths of time in words, the same on every page and in every message."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def in_words(length: timedelta | float) -> str:
    """``40 ms``, ``0.2 s``, ``12 s``, ``4 min``, ``3 h 5 min``, ``2 d 4 h``; a negative length counts as none."""
    seconds = max(length.total_seconds() if isinstance(length, timedelta) else length, 0.0)
    if 0 < seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "min")
    return _two(whole // DAY, "d", whole % DAY // HOUR, "h")


def in_milliseconds(milliseconds: float | None) -> str:
    """``140 ms`` below a second, then as ``in_words``; ``-`` where nothing is known."""
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.0f} ms" if milliseconds < 1_000 else in_words(milliseconds / 1_000)


def until(moment: datetime, *, now: datetime) -> str:
    """``in 4 min``, or ``now`` when it has come."""
    return f"in {in_words(moment - now)}" if moment > now else "now"


def exact(moment: datetime) -> str:
    """``2026-11-20 11:00:00.123 UTC+1``, in the reader's zone (orders.admin.zones)."""
    local = timezone.localtime(moment)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {offset(local)}"


def clock(moment: datetime) -> str:
    """``11:00:05 UTC+1``, in the reader's zone."""
    local = timezone.localtime(moment)
    return f"{local:%H:%M:%S} {offset(local)}"


def offset(moment: datetime) -> str:
    """How far the reader's clock is from UTC at that moment: ``UTC``, ``UTC+1``, ``UTC-3:30``."""
    minutes = round((timezone.localtime(moment).utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if not minutes else f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02d}" if rest else "")


def _two(great: int, great_unit: str, small: int, small_unit: str) -> str:
    return f"{great} {great_unit} {small} {small_unit}" if small else f"{great} {great_unit}"
