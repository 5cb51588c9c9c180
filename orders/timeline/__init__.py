"""One order's timeline across all integrations, from stored rows (docs/design/architecture.md#what-a-person-sees).

    rows.load                    what is stored of the order, newest first, in a fixed number of queries
    happenings.each_happening    each row as one happening; all attempts of a delivery become one
    pending.pending_now          what is pending, for which reason, until when

Its key is tenant, business unit and order id, so it also exists for orders that are only read through in proxy mode.
What no row shows by itself is a ``TimelineEntry`` (``orders.telemetry.timeline_entries``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from orders.timeline.happenings import Happening, Tone, each_happening
from orders.timeline.pending import headline, pending_now
from orders.timeline.rows import load
from orders.values.order_key import OrderKey

__all__ = ["MOST_HAPPENINGS", "Happening", "Timeline", "Tone", "happenings_of", "masked", "timeline_of"]

MOST_HAPPENINGS = 500
"""Happenings shown of one order, the newest: more than a person reads, and still one page with bounded queries."""


@dataclass(frozen=True, slots=True)
class Timeline:
    headline: str
    happenings: list[Happening]
    pending: list[str]


def timeline_of(key: OrderKey) -> Timeline:
    """The order's whole timeline, oldest happening first."""
    rows = load(key, most=MOST_HAPPENINGS + 1)
    happenings = sorted(each_happening(rows), key=lambda happening: happening.at)
    return Timeline(headline=headline(rows), happenings=_spaced(_cut(happenings)), pending=pending_now(rows))


def happenings_of(key: OrderKey) -> list[Happening]:
    """What happened to the order, oldest first, each with the time since the one before."""
    return timeline_of(key).happenings


def masked(timeline: Timeline, mask: Callable[[str], str]) -> Timeline:
    """A copy in which every text that may quote personal data has passed through ``mask``."""
    happenings = [replace(one, what=mask(one.what), result=mask(one.result)) for one in timeline.happenings]
    return Timeline(mask(timeline.headline), happenings, [mask(sentence) for sentence in timeline.pending])


def _cut(happenings: list[Happening]) -> list[Happening]:
    if len(happenings) <= MOST_HAPPENINGS:
        return happenings
    newest = happenings[-MOST_HAPPENINGS:]
    note = f"Older happenings are left out; these are the newest {MOST_HAPPENINGS}."
    return [Happening(at=newest[0].at, source="", what=note), *newest]


def _spaced(happenings: list[Happening]) -> list[Happening]:
    """The happenings with ``since``, the time after the one before."""
    spaced, before = [], None
    for happening in happenings:
        since: timedelta | None = None if before is None else happening.at - before
        spaced.append(replace(happening, since=since))
        before = happening.at
    return spaced
