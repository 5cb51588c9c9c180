"""`make bench-scale`: everything that is measured against filled databases; ONLY= takes one part.

inbox           PUT, and claim with apply, beside a million finished events
dead-endpoint   the other destinations, beside 100,000 deliveries owed to one that is gone
console         the console's pages with a million orders, three million events, five million deliveries
"""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks import scale, scale_console, scale_dead_endpoint
from tests.processes import end_cleanly_when_asked

PARTS = {"inbox": scale.main, "dead-endpoint": scale_dead_endpoint.main, "console": scale_console.main}


def main(arguments: list[str]) -> int:
    """1 where any part missed a bar; the others run all the same."""
    end_cleanly_when_asked()
    parser = argparse.ArgumentParser(prog="make bench-scale")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    only = parser.parse_args(arguments).only
    return max([PARTS[name]() for name in ([only] if only else PARTS)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
