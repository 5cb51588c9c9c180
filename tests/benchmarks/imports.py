"""Imports per second: many in one document against one per document; what one costs; memory; hostile results.

The warehouse is ``manage.py mock_orderflow`` in a process of its own, answering each POST after 50 ms. Both sides are
the hub's own dispatcher over one connection, from the claim of a lane to the recorded outcome.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.benchmarks.comparison import ROUNDS, Comparison, Limit, Measure, compare
from tests.benchmarks.importing import ITEMS
from tests.benchmarks.stack import ROOT, Stack
from tests.processes import HubProcess, free_port

ANSWER_MS = 50
BATCH = 100
BATCHED, SINGLE = 1_000, 100
"""Orders of a round; one per document 500 over the five rounds, which take most of a minute."""
WARM = 20
PASSWORD = "bench-password"
FEW, MANY = 1_000, 10_000
MEBIBYTE = 1024 * 1024


class Imports:
    """One site, and the processes that owe and send."""

    def __init__(self, stacked: Stack, url: str) -> None:
        self._environ = stacked.environ | {
            "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "HUB_OUTBOUND_ALLOW_HTTP": "true"
        }  # fmt: skip
        self._url = url
        self._warm = {BATCH: False, 1: False}

    def run(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.benchmarks.importing", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environ, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout.splitlines()[-1])

    def sent(self, orders: int, batch: int) -> dict[str, Any]:
        self.run("fill", self._url, PASSWORD, str(orders))
        told = self.run("send", str(batch))
        assert told["delivered"] == orders, f"{told['delivered']} of {orders} were imported: {told['trouble']}"
        return told

    def rate(self, orders: int, batch: int) -> float:
        """The first round of each side only warms up."""
        orders = orders if self._warm[batch] else WARM
        self._warm[batch] = True
        return orders / self.sent(orders, batch)["seconds"]


@contextmanager
def imports(stacked: Stack) -> Iterator[Imports]:
    port = free_port()
    known = [word for item in ITEMS for word in ("--product", item)]
    command = [sys.executable, "manage.py", "mock_orderflow", "--port", str(port), "--delay", str(ANSWER_MS)]
    with HubProcess(
        [*command, "--password", PASSWORD, *known], environ=stacked.environ, log=stacked.folder / "warehouse.log"
    ) as site:
        site.wait_for_status(f"http://127.0.0.1:{port}/_state")
        yield Imports(stacked, f"http://127.0.0.1:{port}/rtd2-host")


def bench_batches(stacked: Stack) -> list[Comparison | Limit]:
    with imports(stacked) as site:
        measure = Measure(
            name="imports",
            unit="orders/s",
            hub=lambda: site.rate(BATCHED, BATCH),
            baseline=lambda: site.rate(SINGLE, 1),
            what=f"imports in documents of {BATCH} against one per document ({SINGLE * ROUNDS} orders), each POST "
            f"answered after {ANSWER_MS} ms, one at a time",
            bar=15,
        )
        return [compare(measure)]


def bench_cost(stacked: Stack) -> list[Comparison | Limit]:
    """Needs no site: what one order costs this process, and what a hostile answer does."""
    site = Imports(stacked, "")
    rounds = [1e6 * seconds for seconds in site.run("write")["rounds"]]
    written = "building and checking one order of 5 lines and reading its result, median of 500"
    lines = [_limit("import-write", "µs", rounds, most=300, what=written)]
    for kind, what in (("lines", "a result of a million lines"), ("entities", "an entity bomb")):
        told = [site.run("hostile", kind) for _ in range(3)]
        took, spent = [1e3 * one["seconds"] for one in told], [one["bytes"] / MEBIBYTE for one in told]
        lines.append(_limit(f"hostile-{kind}-time", "ms", took, most=1_000, what=f"{what}, until it is refused"))
        lines.append(_limit(f"hostile-{kind}-memory", "MiB", spent, most=50, what=f"{what}: memory beyond its own"))
    return lines


def bench_memory(stacked: Stack) -> list[Comparison | Limit]:
    """The dispatcher's peak for many orders against its peak for few, each in a fresh process."""
    with imports(stacked) as site:
        few, many = (site.sent(orders, BATCH)["peak"] / MEBIBYTE for orders in (FEW, MANY))
    what = f"peak memory of the dispatcher for {MANY:,} orders ({many:.0f} MiB) by that for {FEW:,} ({few:.0f} MiB)"
    return [_limit("import-memory", "times", [many / few], most=1.2, what=what)]


def _limit(name: str, unit: str, rounds: list[float], *, most: float, what: str) -> Limit:
    value = sorted(rounds)[len(rounds) // 2]
    return Limit(name=name, unit=unit, value=value, rounds=rounds, normal="", most=most, what=what)
