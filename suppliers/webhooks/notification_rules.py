"""The event that a change requires for one supplier (docs/design/outbox.md#required-deliveries).

A change is compared with the state of the last required event, not with the order's state before the change: a
supplier that does not subscribe to ``order_updated`` is not notified, and that state stays.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from orders.documents.status_words import is_cancelled, is_ended
from suppliers.webhooks.events import ORDER_CANCELLED, ORDER_CREATED, ORDER_UPDATED


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the Order Data API's answer to a supplier that the rules need."""

    status: str
    has_lines: bool
    digest: str
    """Of the whole answer without the supplier's own status."""


@dataclass(frozen=True, slots=True)
class LastNotified:
    """The share at the last required event."""

    cancelled: bool
    has_lines: bool
    digest: str


@dataclass(frozen=True, slots=True)
class RequiredEvents:
    """``event_type`` is None when no event is required; then ``because`` says why, for the timeline."""

    event_type: str | None
    because: str = ""


def required_events(last: LastNotified | None, share: Share, *, subscribed: Collection[str]) -> RequiredEvents:
    """The event that a change requires for a supplier. ``last`` is None before its order_created."""
    due = _first(share) if last is None else _next(last, share)
    if due.event_type is not None and due.event_type not in subscribed:
        return RequiredEvents(None, f"the supplier does not subscribe to {due.event_type}")
    return due


def _first(share: Share) -> RequiredEvents:
    if not share.has_lines:
        return RequiredEvents(None, "no line of the order is for this supplier")
    if is_ended(share.status):
        return RequiredEvents(None, f"the order was {share.status} before the supplier was notified of it")
    return RequiredEvents(ORDER_CREATED)


def _next(last: LastNotified, share: Share) -> RequiredEvents:
    """A supplier without lines, or with a cancelled order, has nothing left to cancel."""
    becomes_cancelled = is_cancelled(share.status) and not last.cancelled
    last_line_gone = last.has_lines and not share.has_lines
    if becomes_cancelled or last_line_gone:
        nothing_left = last.cancelled or not last.has_lines
        return (
            RequiredEvents(None, "the supplier was notified before that no line is left")
            if nothing_left
            else RequiredEvents(ORDER_CANCELLED)
        )
    if share.digest != last.digest:
        return RequiredEvents(ORDER_UPDATED)
    return RequiredEvents(None, "nothing that the supplier may read has changed")
