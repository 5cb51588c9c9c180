"""`make bench`: every comparison, or the one named by --only; prints a table and exits 1 when a bar is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import puts
from tests.benchmarks.comparison import Comparison, compare
from tests.benchmarks.stack import Stack, stack


def bench_put(stacked: Stack) -> Comparison:
    puts.prepare(stacked)
    with stacked.web() as hub_port, stacked.baseline() as bare_port:
        return compare(puts.measure(stacked, hub_port, bare_port))


BENCHES: dict[str, Callable[[Stack], Comparison]] = {"put": bench_put}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES), help="one comparison instead of all")
    options = parser.parse_args(arguments)
    names = [options.only] if options.only else list(BENCHES)
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked:
        for line in stacked.servers.versions:
            print(line)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores shared by load, servers and hub", flush=True)
        compared = [BENCHES[name](stacked) for name in names]
    return report(compared)


def report(compared: list[Comparison]) -> int:
    print("\n| what | hub | baseline | ratio (spread) | bar |\n|---|---|---|---|---|")
    for comparison in compared:
        print(comparison.line())
    for comparison in compared:
        print(f"{comparison.name}: {comparison.what}")
    missed = [one for one in compared if one.bar is not None and one.ratio < one.bar]
    for one in missed:
        print(f"MISSED: {one.name} reached {one.ratio:.2f} of its baseline; the bar is {one.bar:g}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
