"""docs/measured/soak.md and its charts: what a soak showed, and what it missed."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.benchmarks.paragraphs import filled
from tests.benchmarks.plots import Chart, svg
from tests.benchmarks.soak_load import FLOOD_EVERY_SECONDS, FLOOD_SECONDS, RATE, READERS
from tests.benchmarks.soak_world import MISBEHAVING, OMS_DELAY_MS
from tests.benchmarks.stack import ROOT

if TYPE_CHECKING:
    from tests.benchmarks.soak import Samples

FOLDER = ROOT / "docs/measured"
MEMORY_GROWTH = 1.10
"""Median memory of the last third over that of the middle third; the first third warms up."""
LATENCY_GROWTH = 1.5
LATENCY_FLOOR_MS = 50.0
"""Below this a 99th percentile is noise."""
OWED_FLOOR = 500
"""Rows: what a burst of the flooding tenant may leave for a moment."""
WINDOW_SECONDS = 10.0

WELL = (
    "Nothing grew. What misbehaving partners are owed is held for them and grows with what is sent to them, no faster;",
    "nobody else's rows wait for it.",
)

Timed = Sequence[tuple[float, float]]


def missed(samples: Samples) -> list[str]:
    """What grew, in words."""
    return [
        *_grown(samples.memory, MEMORY_GROWTH, 0.0, "memory of {} grew {:.2f} times"),
        *_grown(_tails(samples), LATENCY_GROWTH, LATENCY_FLOOR_MS, "the 99th percentile of {} grew {:.2f} times"),
        *_grown(_well(samples), LATENCY_GROWTH, OWED_FLOOR, "what is owed to {} grew {:.2f} times"),
        *(f"{name} is owed more than it was ever sent" for name in MISBEHAVING
          if max(samples.owed.get(name, [0])) > samples.sent_to.get(name, 0)),
    ]  # fmt: skip


def _grown(lines: dict[str, list[float]], most: float, floor: float, words: str) -> list[str]:
    found = []
    for name, line in sorted(lines.items()):
        middle, last = thirds(line)
        if last > max(middle * most, floor):
            found.append(words.format(name, last / max(middle, 1e-9)))
    return found


def thirds(line: Sequence[float]) -> tuple[float, float]:
    """The medians of the middle and of the last third."""
    third = max(1, len(line) // 3)
    return statistics.median(line[third : 2 * third] or line or [0]), statistics.median(line[-third:] or [0])


def _tails(samples: Samples) -> dict[str, list[float]]:
    return {name: percentiles(timed, 0.99) for name, timed in
            {"PUT": samples.puts, "PUT to applied": samples.applied}.items()}  # fmt: skip


def percentiles(timed: Timed, share: float) -> list[float]:
    """Of each window, in milliseconds."""
    windows: dict[int, list[float]] = {}
    for at, seconds in timed:
        windows.setdefault(int(at / WINDOW_SECONDS), []).append(seconds * 1000)
    ordered = [sorted(windows.get(number, [0.0])) for number in range(max(windows, default=0) + 1)]
    return [window[int(len(window) * share)] for window in ordered]


def _well(samples: Samples) -> dict[str, list[float]]:
    return {name: line for name, line in samples.owed.items() if name not in MISBEHAVING}


def summary(samples: Samples) -> list[str]:
    """The table: each figure's middle and last third."""
    lines = [("memory of the " + name, "MB", line) for name, line in sorted(samples.memory.items())]
    lines += [(f"{name}, 99th percentile", "ms", line) for name, line in _tails(samples).items()]
    lines += [("PUT, median", "ms", percentiles(samples.puts, 0.5))]
    lines += [(f"owed: {name}", "rows", line) for name, line in sorted(samples.owed.items())]
    rows = ["| what | middle third | last third | most |", "|---|---|---|---|"]
    for name, unit, line in lines:
        middle, last = thirds(line)
        rows.append(f"| {name} | {middle:,.0f} {unit} | {last:,.0f} {unit} | {max(line, default=0):,.0f} {unit} |")
    return rows


def write(samples: Samples, minutes: float, missed: Sequence[str], versions: Sequence[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, chart in _charts(samples).items():
        (FOLDER / f"soak-{name}.svg").write_text(svg(chart))
    told = [
        *_introduction(samples, minutes, versions),
        "",
        *summary(samples),
        "",
        *([f"* MISSED: {words}" for words in missed] or WELL),
        "",
        *(f"![{chart.title}](soak-{name}.svg)" for name, chart in _charts(samples).items()),
    ]  # fmt: skip
    (FOLDER / "soak.md").write_text(filled(told))


def _introduction(samples: Samples, minutes: float, versions: Sequence[str]) -> list[str]:
    answers, sent = (
        ", ".join(f"{name}: {count:,}" for name, count in sorted(counts.items()))
        for counts in (samples.statuses, samples.sent_to)
    )
    return [
        "# Soak",
        "",
        f"Made by `make soak MINUTES={minutes:g}`; {os.cpu_count()} cores shared with the load, the partners and the",
        f"servers, load average {os.getloadavg()[2]:.1f}; {', '.join(versions)}.",
        "",
        f"* Tenant *calm* puts {RATE} events a second, half of new orders and half of known ones. Seven of ten",
        "  orders go to a supplier that answers at once, one in ten to a supplier that **never",
        "  answers**, three in twenty",
        "  to a warehouse that imports, one in twenty to a warehouse that **answers 500**.",
        f"* Tenant *flood* puts **as fast as it can** for {FLOOD_SECONDS:g} s in every {FLOOD_EVERY_SECONDS:g} s.",
        f"* Tenant *through* reads through with {READERS} tills to an order service that **takes",
        f"  {OMS_DELAY_MS / 1000:g} s for every answer**.",
        "",
        f"Answers: {answers}. Ever owed: {sent}.",
        "",
    ]


def _charts(samples: Samples) -> dict[str, Chart]:
    tails = {"PUT, median": percentiles(samples.puts, 0.5), "PUT, 99th": percentiles(samples.puts, 0.99),
             "PUT to applied, 99th": percentiles(samples.applied, 0.99)}  # fmt: skip
    windows = max(len(line) for line in tails.values())
    tails = {name: [*line, *[line[-1]] * (windows - len(line))] for name, line in tails.items() if line}
    at = [(number + 0.5) * WINDOW_SECONDS for number in range(windows)]
    return {
        "memory": Chart("Memory of all processes of a kind", "MB", samples.seconds, samples.memory),
        "latency": Chart("The calm tenant's PUTs", "ms", at, tails),
        "owed": Chart("Rows owed", "", samples.seconds, samples.owed),
    }
