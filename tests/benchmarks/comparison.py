"""Alternating rounds of the hub and a baseline, and what they say."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 5


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

    def line(self) -> str:
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        bar = "" if self.bar is None else f"{self.bar:g}"
        return (
            f"| {self.name} | {statistics.median(self.hub):,.0f} {self.unit} | "
            f"{statistics.median(self.baseline):,.0f} {self.unit} | {self.ratio:.2f} ({spread}) | {bar} |"
        )


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

    def line(self) -> str:
        spread = f"{min(self.rounds):.2f} to {max(self.rounds):.2f}"
        return f"| {self.name} | {self.value:.2f} {self.unit} | {self.normal} | ({spread}) | at most {self.most:g} |"


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

    def line(self) -> str:
        spread = f"{min(self.rounds):,.0f} to {max(self.rounds):,.0f}"
        return (
            f"| {self.name} | {statistics.median(self.rounds):,.0f} {self.unit} | | ({spread}) | "
            f"at least {self.least:,.0f} |"
        )


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
    """One warm-up of each, then hub, baseline, hub, …"""
    return compare_all([measure], rounds=rounds)[0]


def compare_all(measures: Sequence[Measure], *, rounds: int = ROUNDS) -> list[Comparison]:
    """The hub's rounds once for several baselines: a warm-up of each, then hub, baselines, hub, baselines, …"""
    hub = measures[0].hub
    hub_rounds: list[float] = []
    others: list[list[float]] = [[] for _ in measures]
    for number in range(rounds + 1):
        figures = [hub(), *(measure.baseline() for measure in measures)]
        if number:
            hub_rounds.append(figures[0])
            for kept, figure in zip(others, figures[1:], strict=True):
                kept.append(figure)
            told = " against ".join(f"{figure:,.0f}" for figure in figures)
            print(f"  {measures[0].name}, round {number}: {told}", flush=True)
    return [
        Comparison(measure.name, measure.unit, hub_rounds, other, measure.bar, measure.what)
        for measure, other in zip(measures, others, strict=True)
    ]
