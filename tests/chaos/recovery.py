"""What a fault cost: how long PUTs took, how many were refused, and how long after its end all was as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.senders import Notes, Tried

USUAL_FLOOR_SECONDS = 0.1
"""A PUT within 100 ms is as usual on whatever machine."""
USUAL_TIMES = 3
CALM_SECONDS = 1.0
"""PUTs are as usual again when for this long none was refused or slow."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a fault lasted; time.time()."""

    began_at: float
    ended_at: float

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at


@dataclass(frozen=True, slots=True)
class Cost:
    refused: int
    """PUTs that got another answer than 202, or none."""
    longest: float
    """Seconds of the longest PUT that was answered 202 while it lasted or after it."""
    usual: float
    """Seconds that a PUT may take to count as usual."""
    puts_after: float
    """Seconds from the fault's end until PUTs were as usual."""
    applied_after: float
    """Seconds from the fault's end until everything accepted before it was applied."""


def cost(notes: Notes, applied_at: Mapping[str, float], span: Span) -> Cost:
    tried = sorted(notes.tried, key=lambda each: each.came_at)
    usual = _usual([each for each in tried if each.came_at < span.began_at])
    since = [each for each in tried if each.came_at >= span.began_at]
    owed = [applied_at[each.event_id] for each in tried
            if each.came_at <= span.ended_at and each.event_id in applied_at]  # fmt: skip
    return Cost(
        refused=sum(bool(each.trouble) for each in tried),
        longest=max((each.seconds for each in since if not each.trouble), default=0.0),
        usual=usual,
        puts_after=_usual_again([each for each in since if each.came_at > span.ended_at], usual, span.ended_at),
        applied_after=max(0.0, max(owed, default=0.0) - span.ended_at),
    )


def _usual(before: Sequence[Tried]) -> float:
    seconds = sorted(each.seconds for each in before)
    tail = seconds[int(len(seconds) * 0.99)] if seconds else 0.0
    return max(USUAL_FLOOR_SECONDS, USUAL_TIMES * tail)


def _usual_again(after: Sequence[Tried], usual: float, ended_at: float) -> float:
    last = ended_at
    for each in after:
        if each.came_at - last > CALM_SECONDS:
            break
        if each.trouble or each.seconds > usual:
            last = each.came_at
    return last - ended_at
