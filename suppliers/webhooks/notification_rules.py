"""What a change owes one supplier (docs/design/outbox.md#required-deliveries).

A change is compared with what the supplier was last owed, not with the order's state before it: a supplier that does
not subscribe to ``order_updated`` is not told, and what it was last owed stays what it was.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from suppliers.webhooks.events import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    ORDER_UPDATED,
)

CANCELLED = "CANCELLED"
FULFILLED = "FULFILLED"


@dataclass(frozen=True, slots=True)
class Share:
    """What the Order Data API would answer a supplier about an order, as far as the rules look at it."""

    status: str
    has_lines: bool
    digest: str
    """Of the whole answer, but for the supplier's own status."""


@dataclass(frozen=True, slots=True)
class LastNotified:
    """The share as it was when the supplier was last owed an event."""

    cancelled: bool
    has_lines: bool
    digest: str


@dataclass(frozen=True, slots=True)
class RequiredEvents:
    """``event_type`` is None where nothing is owed; then ``because`` says why, for the timeline."""

    event_type: str | None
    because: str = ""


def required_events(told: LastNotified | None, share: Share, *, subscribed: Collection[str]) -> RequiredEvents:
    """The event that a change owes a supplier. ``told`` is None before its order_created."""
    due = _first(share) if told is None else _next(told, share)
    if due.event_type is not None and due.event_type not in subscribed:
        return RequiredEvents(None, f"the supplier does not subscribe to {due.event_type}")
    return due


def _first(share: Share) -> RequiredEvents:
    if not share.has_lines:
        return RequiredEvents(None, "no line of the order is theirs")
    if share.status in (CANCELLED, FULFILLED):
        return RequiredEvents(None, f"the order was {share.status} before they were told of it")
    return RequiredEvents(ORDER_CREATED)


def _next(told: LastNotified, share: Share) -> RequiredEvents:
    """A supplier whose last line went, or whose order was cancelled, has nothing left that could be cancelled."""
    becomes_cancelled = share.status == CANCELLED and not told.cancelled
    last_line_gone = told.has_lines and not share.has_lines
    if becomes_cancelled or last_line_gone:
        nothing_left = told.cancelled or not told.has_lines
        return (
            RequiredEvents(None, "they were told already that nothing is left")
            if nothing_left
            else RequiredEvents(ORDER_CANCELLED)
        )
    if share.digest != told.digest:
        return RequiredEvents(ORDER_UPDATED)
    return RequiredEvents(None, "what they may read of the order did not change")
