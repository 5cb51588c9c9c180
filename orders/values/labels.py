"""Times, states and texts from outside, as the admin shows them. Everything is escaped where it is put into HTML."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.values.time_text import exact, in_words, until

MARKS = {
    "pending": "waiting", "applied": "ok", "delivered": "ok", "running": "ok", "dead": "attention",
    "stopped": "stopped", "paused": "waiting", "superseded": "plain", "discarded": "plain",
}  # fmt: skip
"""One colour per meaning on every page, always with a word (docs/design/architecture.md#what-a-person-sees)."""


def mark(word: str, meaning: str = "") -> SafeString:
    """A state as a word in its colour."""
    kind = meaning or MARKS.get(word, "plain")
    return format_html('<span class="hub-mark hub-mark-{}">{}</span>', kind, word)


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
    """A link where the address is one of the hub's own or http(s); else the plain text."""
    safe = url.startswith("/") or urlsplit(url).scheme in ("http", "https")
    return format_html('<a class="hub-link" href="{}">{}</a>', url, words) if safe else words
