"""``python -m tests.chaos``: every fault and the drill; exit code 1 when anything was lost, doubled or reordered."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.__main__ import _versions
from tests.benchmarks.stack import stack
from tests.chaos import faults_deploy, faults_partners, faults_postgres, faults_processes, faults_redis, report
from tests.chaos.drill import Plan, run
from tests.chaos.faults import FAULTS
from tests.chaos.pooled import named, pooled_stack
from tests.chaos.trial import Verdict, a_stage
from tests.processes import end_cleanly_when_asked

DRILL = "drill"
MODULES = (faults_processes, faults_redis, faults_postgres, faults_deploy, faults_partners)
"""Importing them puts their faults into the list."""


def main() -> int:
    end_cleanly_when_asked()
    given = _given()
    names = given.faults.split(",") if given.faults else [*FAULTS, DRILL]
    unknown = set(names) - {*FAULTS, DRILL}
    if unknown:
        sys.exit(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join([*FAULTS, DRILL])}")
    with tempfile.TemporaryDirectory(prefix="orderhub-chaos-") as made:
        folder = given.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        verdicts = list(_tried(names, given, folder))
    if given.pooler:
        verdicts = [named(verdict) for verdict in verdicts]
    old = report.PAGE.read_text() if report.PAGE.exists() else ""
    report.PAGE.write_text(report.page(verdicts, old=old, versions=_versions()))
    print(f"written: {report.PAGE}")
    return int(any(verdict.violations for verdict in verdicts))


def _given() -> argparse.Namespace:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", default="", help=f"only these, separated by commas: {', '.join([*FAULTS, DRILL])}")
    parser.add_argument("--keep", type=Path, help="a folder that keeps the logs")
    parser.add_argument("--pooler", action="store_true", help="behind a real pgbouncer in transaction mode")
    drill = parser.add_argument_group("the drill")
    drill.add_argument("--events", type=int, default=usual.events)
    drill.add_argument("--orders", type=int, default=usual.orders)
    drill.add_argument("--seconds", type=float, default=usual.seconds)
    drill.add_argument("--away", type=float, default=usual.away_seconds, help="seconds that Redis is away")
    drill.add_argument("--seed", type=int, default=usual.seed, help="which workers are killed how")
    return parser.parse_args()


def _tried(names: list[str], given: argparse.Namespace, folder: Path) -> Iterator[Verdict]:
    faults = [FAULTS[name] for name in names if name != DRILL]
    around = pooled_stack if given.pooler else stack
    if faults:
        with a_stage(folder, stack=around) as stage:
            for fault in faults:
                began = time.monotonic()
                verdict = stage.try_out(fault)
                print(f"{report.row(verdict)}   ({time.monotonic() - began:.0f} s)", flush=True)
                yield verdict
    if DRILL in names:
        (folder / DRILL).mkdir(exist_ok=True)
        plan = Plan(given.events, given.orders, given.seconds, given.away, given.seed)
        outcome = run(plan, folder / DRILL, stack=around, say=lambda line: print(line, flush=True))
        print("\n".join(outcome.lines()), flush=True)
        yield report.of_drill(outcome)


if __name__ == "__main__":
    sys.exit(main())
