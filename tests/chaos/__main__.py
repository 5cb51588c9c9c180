"""``python -m tests.chaos``: the whole drill; exit code 1 when anything was lost, doubled or reordered."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.drill import Plan, run


def main() -> int:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=usual.events)
    parser.add_argument("--orders", type=int, default=usual.orders)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--away", type=float, default=usual.away_seconds, help="seconds that Redis is away")
    parser.add_argument("--seed", type=int, default=usual.seed, help="which workers are killed how")
    parser.add_argument("--keep", type=Path, help="a folder that keeps the logs")
    given = parser.parse_args()
    plan = Plan(given.events, given.orders, given.seconds, given.away, given.seed)
    with tempfile.TemporaryDirectory(prefix="orderhub-chaos-") as folder:
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
        outcome = run(plan, given.keep or Path(folder), say=lambda line: print(line, flush=True))
    print("\n".join(outcome.lines()))
    return int(bool(outcome.violations))


if __name__ == "__main__":
    sys.exit(main())
