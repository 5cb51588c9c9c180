"""`make soak MINUTES=20`: sustained PUTs through the whole stack; memory, latency and owed rows stay flat."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from tests.benchmarks.load import Connection, put_request
from tests.benchmarks.stack import Stack, stack
from tests.bodies import body
from tests.processes import HubProcess, wait_until

RATE = 60
"""PUTs per second: about a tenth of what two shared cores take with load generator and servers beside them."""
ORDERS = 2_000
SAMPLE_SECONDS = 5.0
GROWTH = 1.10
"""Median memory of the last third over that of the middle third; the first third warms up."""


@dataclass
class Samples:
    memory: dict[str, list[float]] = field(default_factory=dict)
    """Megabytes of each process group, over time."""
    latencies: list[float] = field(default_factory=list)
    owed: list[int] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=20)
    minutes = parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked, ExitStack() as running:
        port = running.enter_context(stacked.web())
        groups = {"worker": running.enter_context(stacked.worker()), "beat": running.enter_context(stacked.beat())}
        samples, stop = Samples(), threading.Event()
        token = stacked.token(port)
        load = threading.Thread(target=_load, args=(port, token, samples, stop, minutes * 60))
        load.start()
        _watch(stacked, port, groups, samples, stop)
        load.join()
        wait_until(lambda: _owed(stacked) == 0, seconds=60)
    return _report(samples, minutes)


def _load(port: int, token: str, samples: Samples, stop: threading.Event, seconds: float) -> None:
    """A steady rate over known orders, so that the orders stay as many."""
    connection, started = Connection(port), time.perf_counter()
    for count in range(int(seconds * RATE)):
        order = f"soak-{count % ORDERS}"
        path = f"/api/v1/business-units/store-1/customer-orders/{order}"
        asked = time.perf_counter()
        status = connection.ask(put_request(f"127.0.0.1:{port}", path, body(order, customer=f"c-{count}"), token))
        samples.latencies.append(time.perf_counter() - asked)
        assert status == 202, f"a PUT was answered {status}"
        time.sleep(max(0.0, started + (count + 1) / RATE - time.perf_counter()))
    connection.close()
    stop.set()


def _watch(stacked: Stack, port: int, groups: dict[str, HubProcess], samples: Samples, stop: threading.Event) -> None:
    web = next(one for one in psutil.net_connections("tcp") if one.laddr.port == port and one.status == "LISTEN")
    families = {name: psutil.Process(process.process.pid) for name, process in groups.items()}
    families["web"] = psutil.Process(web.pid)
    while not stop.wait(SAMPLE_SECONDS):
        for name, root in families.items():
            family = [root, *root.children(recursive=True)]
            samples.memory.setdefault(name, []).append(sum(one.memory_info().rss for one in family) / 2**20)
        samples.owed.append(_owed(stacked))


def _owed(stacked: Stack) -> int:
    with psycopg.connect(stacked.servers.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM orders_orderqueue WHERE due_at IS NOT NULL").fetchone()
    return int(row[0])


def _report(samples: Samples, minutes: float) -> int:
    missed = []
    print(f"\n{minutes:g} minutes at {RATE} PUT/s, {len(samples.latencies):,} PUTs")
    for name, megabytes in sorted(samples.memory.items()):
        third = max(1, len(megabytes) // 3)
        middle, last = (
            statistics.median(megabytes[third : 2 * third] or megabytes),
            statistics.median(megabytes[-third:]),
        )
        print(f"{name}: {middle:,.0f} MB in the middle third, {last:,.0f} MB in the last")
        if last > middle * GROWTH:
            missed.append(f"memory of {name} grew {last / middle:.2f} times")
    half = len(samples.latencies) // 2
    first, second = (sorted(part) for part in (samples.latencies[:half], samples.latencies[half:]))
    p99 = [part[int(len(part) * 0.99)] * 1000 for part in (first, second)]
    print(f"PUT p99: {p99[0]:.1f} ms in the first half, {p99[1]:.1f} ms in the second")
    owed = samples.owed or [0]
    print(f"owed at the samples: {statistics.median(owed):.0f} (median), {max(owed)} (most), none at the end")
    for words in missed:
        print(f"MISSED: {words}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
