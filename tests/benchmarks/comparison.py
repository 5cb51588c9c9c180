"""Alternating rounds of the hub and a baseline, and what they say."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 5


HEAD = ("what", "hub", "baseline", "ratio", "spread", "bar", "")
MISSED = "missed"


def written(figure: float) -> str:
    """Three digits are more than the noise leaves."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def spread(figures: Sequence[float]) -> str:
    return f"{written(min(figures))} to {written(max(figures))}"


@dataclass(frozen=True)
class Comparison:
    """One line of the table: medians over the rounds, and the median and spread of the rounds' ratios."""

    name: str
    unit: str
    hub: list[float]
    baseline: list[float]
    bar: float | None
    what: str

    @property
    def ratios(self) -> list[float]:
        return [hub / baseline for hub, baseline in zip(self.hub, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def missed(self) -> str:
        """What to say where the bar is not reached."""
        if self.bar is None or self.ratio >= self.bar:
            return ""
        return f"{self.name} reached {self.ratio:.2f} of its baseline; the bar is {self.bar:g}"

    @property
    def cells(self) -> tuple[str, ...]:
        hub, baseline = (f"{written(statistics.median(side))} {self.unit}" for side in (self.hub, self.baseline))
        bar = "" if self.bar is None else f"{self.bar:g}"
        return (self.name, hub, baseline, f"{self.ratio:.2f}", spread(self.ratios), bar)


@dataclass(frozen=True)
class Limit:
    """One line of the table for a figure that must stay under a limit; ``rounds`` show its spread."""

    name: str
    unit: str
    value: float
    rounds: list[float]
    normal: str
    most: float
    what: str

    @property
    def missed(self) -> str:
        if self.value <= self.most:
            return ""
        return f"{self.name} is {self.value:.2f} {self.unit}; the limit is {self.most:g}"

    @property
    def cells(self) -> tuple[str, ...]:
        value = f"{written(self.value)} {self.unit}"
        return (self.name, value, self.normal, "", spread(self.rounds), f"at most {self.most:,g}")


@dataclass(frozen=True)
class Floor:
    """One line of the table for a figure that must reach a bar of its own."""

    name: str
    unit: str
    rounds: list[float]
    least: float
    what: str

    @property
    def missed(self) -> str:
        if statistics.median(self.rounds) >= self.least:
            return ""
        return f"{self.name} is {statistics.median(self.rounds):,.0f} {self.unit}; the bar is {self.least:,.0f}"

    @property
    def cells(self) -> tuple[str, ...]:
        value = f"{written(statistics.median(self.rounds))} {self.unit}"
        return (self.name, value, "", "", spread(self.rounds), f"at least {self.least:,g}")


@dataclass(frozen=True)
class Broken:
    """In the place of a comparison that ended before it had a figure."""

    name: str
    what: str

    @property
    def missed(self) -> str:
        return f"{self.name} ended without a figure: {self.what}"

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.name, "no figure", "", "", "", "")


Line = Broken | Comparison | Floor | Limit


def table(lines: Sequence[Line]) -> list[str]:
    """Columns as wide as their widest cell, so that it reads as text too; then what each line means."""
    rows = [HEAD, *((*line.cells, MISSED if line.missed else "") for line in lines)]
    widths = [max(3, *(len(cell) for cell in column)) for column in zip(*rows, strict=True)]
    told = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [told[0], rule, *told[1:], "", *(f"* `{line.name}`: {line.what}" for line in lines)]


def reported(lines: Sequence[Line]) -> int:
    """Prints them; 1 where a bar is missed, as a program's answer."""
    missed = [line.missed for line in lines if line.missed]
    print("\n".join([*table(lines), "", *(f"MISSED: {words}" for words in missed)]), flush=True)
    return int(bool(missed))


@dataclass(frozen=True)
class Measure:
    """What to compare: two functions that each run one round and return its figure."""

    name: str
    unit: str
    hub: Callable[[], float]
    baseline: Callable[[], float]
    what: str
    bar: float | None = None


def compare(measure: Measure, *, rounds: int = ROUNDS) -> Comparison:
    return compare_all([measure], rounds=rounds)[0]


def compare_all(measures: Sequence[Measure], *, rounds: int = ROUNDS) -> list[Comparison]:
    """A warm-up of each side, then hub, baselines, hub, baselines, …; a side that several measures share runs once."""
    sides = list(dict.fromkeys(side for measure in measures for side in (measure.hub, measure.baseline)))
    figures: dict[Callable[[], float], list[float]] = {side: [] for side in sides}
    for number in range(rounds + 1):
        found = [side() for side in sides]
        if number:
            for side, figure in zip(sides, found, strict=True):
                figures[side].append(figure)
            told = " against ".join(f"{figure:,.0f}" for figure in found)
            print(f"  {measures[0].name}, round {number}: {told}", flush=True)
    return [
        Comparison(each.name, each.unit, figures[each.hub], figures[each.baseline], each.bar, each.what)
        for each in measures
    ]
