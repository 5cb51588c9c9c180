"""`make bench`: every comparison, or the one named by --only; prints a table and exits 1 when a bar is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.benchmarks import applying, comparing, deliveries, engine, imports, loading, proxied, puts, slow_oms
from tests.benchmarks.comparison import Broken, Line, table
from tests.benchmarks.stack import ROOT, Stack, stack
from tests.processes import end_cleanly_when_asked

BENCHES: dict[str, Callable[[Stack], list[Line]]] = {
    "put": puts.bench,
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
    "proxied-get-comparing": comparing.bench,
    "proxied-latency": proxied.bench_latency,
    "proxied-tokens": proxied.bench_tokens,
    "proxied-hanging": proxied.bench_hanging,
    "slow-oms": slow_oms.bench,
}


def main(arguments: list[str]) -> int:
    end_cleanly_when_asked()
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES), help="one comparison instead of all")
    options = parser.parse_args(arguments)
    names, began = [options.only] if options.only else list(BENCHES), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked:
        versions = [*stacked.servers.versions, *_versions()]
        print("\n".join(versions), flush=True)
        lines = [line for name in names for line in _timed(name, stacked)]
    missed = [f"MISSED: {line.missed}" for line in lines if line.missed]
    print("\n" + "\n".join([*table(lines), *missed]))
    if not options.only:
        write(lines, versions, seconds=time.monotonic() - began)
    return int(bool(missed))


def _versions() -> list[str]:
    packages = (
        f"{name} {version(name)}" for name in ("Django", "djangorestframework", "psycopg", "gunicorn", "celery")
    )
    return [f"Python {platform.python_version()}", *packages]


def _timed(name: str, stacked: Stack) -> list[Line]:
    started = time.monotonic()
    try:
        lines = BENCHES[name](stacked)
    except AssertionError as broken:  # the others' figures are not to be lost with it
        lines = [Broken(name, str(broken))]
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return lines


def write(lines: list[Line], versions: list[str], *, seconds: float) -> None:
    """docs/measured/benchmarks.md, made by the whole run."""
    memory, load = psutil.virtual_memory().total / 2**30, os.getloadavg()[2]
    told = [
        "# Benchmarks",
        "",
        f"Made by `make bench` in {seconds / 60:.0f} minutes (one line alone: `make bench ONLY=name`). Each figure is",
        "the median of at least five rounds, the hub's and the baseline's in turns; the ratio is the median of the",
        "rounds' ratios, the spread their lowest and highest. `tests/benchmarks/baselines.py` has the bare views.",
        "",
        f"* Machine: {os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}; load",
        f"  generator, servers and hub share it, so only the ratios mean something elsewhere. Load average {load:.1f}.",
        f"* Versions: {', '.join(versions)}",
        "* Longer: [soak](soak.md) with plots (`make soak`), [what a million orders cost](scaling.md)",
        "  (`make sizes`).",
        "",
        *table(lines),
    ]
    missed = [f"* {line.missed}" for line in lines if line.missed]
    missed = ["", "Missed in this run:", "", *missed] if missed else ["", "No bar was missed in this run."]
    (ROOT / "docs/measured/benchmarks.md").write_text("\n".join([*told, *missed]) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
