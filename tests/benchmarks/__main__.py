"""`make bench`: every comparison, or the one named by --only; prints a table and exits 1 when a bar is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import applying, deliveries, engine, imports, loading, proxied, puts
from tests.benchmarks.comparison import Comparison, Floor, Limit, compare
from tests.benchmarks.stack import ROOT, Stack, stack

Line = Comparison | Floor | Limit


def bench_put(stacked: Stack) -> list[Line]:
    puts.prepare(stacked)
    with stacked.web() as hub_port, stacked.baseline() as bare_port:
        return [compare(puts.measure(stacked, hub_port, bare_port))]


BENCHES: dict[str, Callable[[Stack], list[Line]]] = {
    "put": bench_put,
    "load": loading.bench,
    "apply": applying.bench,
    "apply-hot": engine.bench_hot,
    "put-contended": engine.bench_contended,
    "put-applied": engine.bench_latency,
    "fairness": engine.bench_fairness,
    "deliver": deliveries.bench,
    "order-data": deliveries.bench_order_data,
    "imports": imports.bench_batches,
    "import-cost": imports.bench_cost,
    "import-memory": imports.bench_memory,
    "proxied-get": proxied.bench_throughput,
    "proxied-latency": proxied.bench_latency,
    "proxied-tokens": proxied.bench_tokens,
    "proxied-hanging": proxied.bench_hanging,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES), help="one comparison instead of all")
    options = parser.parse_args(arguments)
    names = [options.only] if options.only else list(BENCHES)
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked:
        machine = [*stacked.servers.versions, f"Python {platform.python_version()}", f"{os.cpu_count()} cores"]
        print("\n".join(machine), flush=True)
        compared = [line for name in names for line in _timed(name, stacked)]
    told, missed = table(compared), [one.missed for one in compared if one.missed]
    print("\n" + "\n".join([*told, *(f"MISSED: {words}" for words in missed)]))
    if not options.only:
        write(told, machine, missed)
    return int(bool(missed))


def _timed(name: str, stacked: Stack) -> list[Line]:
    started = time.monotonic()
    lines = BENCHES[name](stacked)
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return lines


def table(compared: list[Line]) -> list[str]:
    head = ["| what | hub | baseline | ratio (spread) | bar |", "|---|---|---|---|---|"]
    return [*head, *(one.line() for one in compared), "", *(f"* {one.name}: {one.what}" for one in compared)]


def write(told: list[str], machine: list[str], missed: list[str]) -> None:
    """docs/benchmarks.md, made by the whole run."""
    where = f"{', '.join(machine)}, shared by load generator, servers and hub; load average {os.getloadavg()[2]:.1f}."
    open_ = ["", "Missed in this run:", "", *(f"* {words}" for words in missed)] if missed else []
    lines = ["# Benchmarks", "", "Made by `make bench`: medians of alternating rounds in one run.", "", where, ""]
    (ROOT / "docs/benchmarks.md").write_text("\n".join([*lines, *told, *open_]) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
