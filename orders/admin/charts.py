"""Charts as SVG paths, made here so that a page needs no script. Numbers in, geometry out; words and colours are CSS.

A drawing is WIDTH by HEIGHT units and stretched to its place, so no text stands in it: scale and times are beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

WIDTH, HEIGHT = 600.0, 120.0
GAP = 0.25
"""Of a bar's place, left free beside it."""
GAPS_MOST = 60
"""With more bars than these the gaps would flicker; they stand without."""
NICE = (1, 2, 3, 4, 5, 6, 8, 10)
"""Scales end at one of these times a power of ten."""

Values = Sequence[float | None]


class Shape(Enum):
    AREA = "area"
    LINE = "line"
    BARS = "bars"


@dataclass(frozen=True, slots=True)
class Series:
    """``css`` names its colour (console.css). Bars stand on those given before them."""

    name: str
    css: str
    shape: Shape
    values: Values


@dataclass(frozen=True, slots=True)
class Mark:
    css: str
    shape: str
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    marks: list[Mark]
    top: float
    """The value at the upper edge."""
    slots: list[tuple[float, float]] = field(default_factory=list)
    """Left edge and width of each step, for what is said when one points at it."""


def draw(series: Sequence[Series], *, least_top: float = 4.0) -> Drawing:
    """All series on one scale from 0; an empty chart keeps a scale of ``least_top``."""
    steps = max((len(one.values) for one in series), default=0)
    top = nice_top(max(_highest(series), least_top))
    width = WIDTH / steps if steps else WIDTH
    below = [0.0] * steps
    marks = []
    for one in series:
        heights = [None if value is None else value / top * HEIGHT for value in one.values]
        path = _bars(heights, below, width) if one.shape is Shape.BARS else _line(heights, width, one.shape)
        if path:
            marks.append(Mark(one.css, one.shape.value, path))
    return Drawing(marks, top, [(round(step * width, 2), round(width, 2)) for step in range(steps)])


def nice_top(value: float) -> float:
    """The next round number: 0.7 -> 0.8, 13 -> 20, 410 -> 500."""
    power = 1.0
    while value > 10 * power:
        power *= 10
    while value <= power:
        power /= 10
    return next(step * power for step in NICE if step * power >= value * 0.999_999)


def _highest(series: Sequence[Series]) -> float:
    """Of lines the highest point, of bars the highest stack."""
    bars = [one.values for one in series if one.shape is Shape.BARS]
    stacks = [sum(value or 0 for value in stack) for stack in zip(*bars, strict=True)]
    points = [value or 0 for one in series if one.shape is not Shape.BARS for value in one.values]
    return max([0.0, *stacks, *points])


def _bars(heights: Values, below: list[float], width: float) -> str:
    """Rectangles; raises ``below`` for the bars that come next."""
    parts = []
    gap = GAP if len(heights) <= GAPS_MOST else 0.0
    for step, height in enumerate(heights):
        if not height:
            continue
        left, bottom = (step + gap / 2) * width, HEIGHT - below[step]
        parts.append(f"M{left:.1f} {bottom:.1f}h{width * (1 - gap):.2f}v{-height:.1f}h{-width * (1 - gap):.2f}z")
        below[step] += height
    return "".join(parts)


def _line(heights: Values, width: float, shape: Shape) -> str:
    """Through the middle of each step, interrupted where nothing is known; an area reaches down to 0."""
    parts = []
    for run in _runs(heights):
        points = [((step + 0.5) * width, HEIGHT - height) for step, height in run]
        if len(points) == 1:  # a lone point would not be seen
            points = [(points[0][0] - width / 2, points[0][1]), (points[0][0] + width / 2, points[0][1])]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        if shape is Shape.AREA:
            path += f"V{HEIGHT:.0f}H{points[0][0]:.1f}z"
        parts.append(path)
    return "".join(parts)


def _runs(heights: Values) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for step, height in enumerate(heights):
        if height is None:
            runs.append([])
        else:
            runs[-1].append((step, height))
    return [run for run in runs if run]
