"""`make bench`: every comparison, or the one named by --only; prints a table and exits 1 when a bar is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import applying, deliveries, engine, imports, proxied, puts
from tests.benchmarks.comparison import Comparison, Floor, Limit, compare
from tests.benchmarks.stack import Stack, stack

Line = Comparison | Floor | Limit


def bench_put(stacked: Stack) -> list[Line]:
    puts.prepare(stacked)
    with stacked.web() as hub_port, stacked.baseline() as bare_port:
        return [compare(puts.measure(stacked, hub_port, bare_port))]


BENCHES: dict[str, Callable[[Stack], list[Line]]] = {
    "put": bench_put,
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
        for line in stacked.servers.versions:
            print(line)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores shared by load, servers and hub", flush=True)
        compared = [line for name in names for line in BENCHES[name](stacked)]
    return report(compared)


def report(compared: list[Line]) -> int:
    print("\n| what | hub | baseline | ratio (spread) | bar |\n|---|---|---|---|---|")
    for comparison in compared:
        print(comparison.line())
    for comparison in compared:
        print(f"{comparison.name}: {comparison.what}")
    missed = [one.missed for one in compared if one.missed]
    for words in missed:
        print(f"MISSED: {words}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
