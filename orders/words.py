"""How the admin says things: times, states, texts from outside. Everything is escaped where it is put into HTML."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.clock import DatabaseClock
from orders.durations import in_words, until
from orders.models import Destination, Lane

MARKS = {
    "pending": "waiting", "applied": "moving", "delivered": "moving", "running": "moving", "dead": "person",
    "stopped": "stopped", "paused": "waiting", "superseded": "plain", "discarded": "plain",
}  # fmt: skip
"""One colour per meaning on every page (console: Words and marks); the word always stands beside it."""


def mark(word: str, meaning: str = "") -> SafeString:
    """A state as a word in its colour."""
    kind = meaning or MARKS.get(word, "plain")
    return format_html('<span class="hub-mark hub-mark-{}">{}</span>', kind, word)


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


def ago(moment: datetime | None) -> SafeString | str:
    """``4 min ago`` or ``in 4 min``, with the exact time on hover."""
    if moment is None:
        return "-"
    now = timezone.now()
    words = f"{in_words(now - moment)} ago" if moment <= now else until(moment, now=now)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), words)


def pretty(text: str) -> str:
    """JSON indented with its digits kept; any other text as it is."""
    try:
        return msgspec.json.format(text, indent=2)
    except msgspec.DecodeError:
        return text


def preformatted(text: str) -> SafeString:
    """A text from outside, indented where it is JSON, shown letter for letter."""
    return format_html('<pre class="hub-text" tabindex="0">{}</pre>', pretty(text)) if text else SafeString("-")


def link(url: str, words: str) -> SafeString | str:
    """A link where the address is one of ours or http(s); else the bare words."""
    safe = url.startswith("/") or urlsplit(url).scheme in ("http", "https")
    return format_html('<a class="hub-link" href="{}">{}</a>', url, words) if safe else words


def state_in_words(destination: Destination) -> str:
    """``Stopped for 12 min, because …; next probe in 8 min.``"""
    now = DatabaseClock.recent().now()
    probe = f"; next probe {until(destination.probe_at, now=now)}" if destination.probe_at else ""
    since = f" for {in_words(now - destination.state_since)}" if destination.state_since else ""
    because = destination.state_reason.rstrip(".")
    if not destination.active:
        return "Switched off in its settings; what is owed is kept."
    if not destination.tenant.active:
        return "Held, because the tenant is switched off; what is owed is kept."
    if destination.state != Destination.State.RUNNING:
        return f"{destination.get_state_display().capitalize()}{since}, because {because}{probe}."
    if destination.open_seconds is not None:
        return f"Left alone for a moment after {destination.failures} failures in a row{probe}."
    if destination.waits_until and destination.waits_until > now:
        return f"Waiting, as it asked us to; goes on {until(destination.waits_until, now=now)}."
    return "Moving."


def state_mark(destination: Destination) -> SafeString:
    """The state as one word in its colour."""
    if not (destination.active and destination.tenant.active):
        return mark("off", "waiting")
    if destination.state == Destination.State.RUNNING:
        return mark("moving", "moving") if destination.open_seconds is None else mark("failing", "waiting")
    return mark(destination.state)


def orders_waiting(destination: Destination) -> int:
    """Lanes with something owed: counted over the partial index of what is due."""
    return Lane.objects.filter(destination=destination, due_at__isnull=False).count()
