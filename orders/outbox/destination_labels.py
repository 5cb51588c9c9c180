"""Labels of a destination and its state, for pages and messages."""

from __future__ import annotations

from django.utils.safestring import SafeString

from orders.database.clock import DatabaseClock
from orders.models import Destination, Lane
from orders.values.labels import mark
from orders.values.time_text import in_words, until

_CHANNEL_LABELS = {"supplier": "supplier", "orderflow": "warehouse"}


def channel_label(destination: Destination) -> str:
    """``supplier`` or ``warehouse``; another channel's name is its own label."""
    return _CHANNEL_LABELS.get(destination.channel, destination.channel)


def state_in_words(destination: Destination) -> str:
    """``Stopped for 12 min, because …; next probe in 8 min.``"""
    now = DatabaseClock.recent().now()
    probe = f"; next probe {until(destination.probe_at, now=now)}" if destination.probe_at else ""
    since = f" for {in_words(now - destination.state_since)}" if destination.state_since else ""
    because = destination.state_reason.rstrip(".")
    if not destination.active:
        return "Switched off in its settings. Pending deliveries are kept."
    if not destination.tenant.active:
        return "Nothing is sent while the tenant is switched off. Pending deliveries are kept."
    if destination.state != Destination.State.RUNNING:
        return f"{destination.get_state_display().capitalize()}{since}, because {because}{probe}."
    if destination.open_seconds is not None:
        return f"Nothing is sent for now, after {destination.failures} failures in a row{probe}."
    if destination.waits_until and destination.waits_until > now:
        return f"Waiting for its rate limit or its Retry-After; sends again {until(destination.waits_until, now=now)}."
    return "Running."


def state_mark(destination: Destination) -> SafeString:
    """The state as one word in its colour."""
    if not (destination.active and destination.tenant.active):
        return mark("off", "waiting")
    if destination.state == Destination.State.RUNNING:
        return mark("running") if destination.open_seconds is None else mark("failing", "waiting")
    return mark(destination.state)


def orders_waiting(destination: Destination) -> int:
    """Lanes with pending deliveries, counted over the partial index of due lanes."""
    return Lane.objects.filter(destination=destination, due_at__isnull=False).count()
