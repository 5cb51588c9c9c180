"""One order's timeline across all roads, composed from the rows (docs/design/architecture.md#what-a-person-sees).

    rows.load      what is stored of the order, the newest first, in a fixed number of queries
    lines.lines    each row as one happening; the tries of a delivery fold into one
    pending.pending_now  what still waits, for what, until when

Keyed by tenant, business unit and order id, so it exists for orders that are only read through. Nothing is written
for the timeline's sake where a row tells it already; ``orders.telemetry.timeline_entries`` adds the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from orders.timeline.happenings import (
    Happening,
    Tone,
    lines,
)
from orders.timeline.pending import (
    headline,
    pending_now,
)
from orders.timeline.rows import load
from orders.values.order_key import OrderKey

__all__ = ["MOST_HAPPENINGS", "Happening", "Story", "Tone", "masked", "story", "tell"]

MOST_HAPPENINGS = 500
"""Shown of one order, the newest: more than anybody reads, few enough for one page and bounded queries."""


@dataclass(frozen=True, slots=True)
class Story:
    headline: str
    happenings: list[Happening]
    owed: list[str]


def tell(key: OrderKey) -> Story:
    """The order's whole story, oldest happening first."""
    rows = load(key, most=MOST_HAPPENINGS + 1)
    told = sorted(lines(rows), key=lambda happening: happening.at)
    return Story(headline=headline(rows), happenings=_spaced(_cut(told)), owed=pending_now(rows))


def story(key: OrderKey) -> list[Happening]:
    """What happened to the order, oldest first, each with the time since the one before."""
    return tell(key).happenings


def masked(story: Story, mask: Callable[[str], str]) -> Story:
    """The story with every text that may quote somebody passed through ``mask``."""
    happenings = [replace(one, what=mask(one.what), result=mask(one.result)) for one in story.happenings]
    return Story(mask(story.headline), happenings, [mask(sentence) for sentence in story.owed])


def _cut(told: list[Happening]) -> list[Happening]:
    if len(told) <= MOST_HAPPENINGS:
        return told
    newest = told[-MOST_HAPPENINGS:]
    note = f"Older happenings are left out; these are the newest {MOST_HAPPENINGS}."
    return [Happening(at=newest[0].at, road="", what=note), *newest]


def _spaced(told: list[Happening]) -> list[Happening]:
    spaced, before = [], None
    for happening in told:
        since: timedelta | None = None if before is None else happening.at - before
        spaced.append(replace(happening, since=since))
        before = happening.at
    return spaced
