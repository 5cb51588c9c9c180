"""Line charts as SVG files of our own: no library, no outside host, readable in any browser and in the repository."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 36, 34
COLOURS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#475569", "#db2777", "#0891b2")
TICKS = 5


@dataclass(frozen=True)
class Chart:
    title: str
    unit: str
    seconds: Sequence[float]
    lines: Mapping[str, Sequence[float]]


def svg(chart: Chart) -> str:
    top = _round_up(max((max(line, default=0.0) for line in chart.lines.values()), default=0.0))
    last = max(chart.seconds, default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="{escape(chart.title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="14" fill="#111827">{escape(chart.title)}</text>',
        *_grid(top, last, chart.unit),
    ]
    for number, (name, line) in enumerate(chart.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(
            f"{_x(at, last):.1f},{_y(value, top):.1f}" for at, value in zip(chart.seconds, line, strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        y = TOP + 14 + 18 * number
        parts.append(f'<rect x="{WIDTH - RIGHT + 14}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 30}" y="{y}" fill="#111827">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(top: float, last: float, unit: str) -> list[str]:
    parts = []
    for tick in range(TICKS + 1):
        value, y = top * tick / TICKS, _y(top * tick / TICKS, top)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e5e7eb"/>')
        label = f"{value:,.10g} {unit}"
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#4b5563">{escape(label)}</text>')
        at, x = last * tick / TICKS, _x(last * tick / TICKS, last)
        label = f"{at / 60:.3g} min"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle" fill="#4b5563">{label}</text>')
    return parts


def _x(at: float, last: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / last


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten: a scale that reads well."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)
