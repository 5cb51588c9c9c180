"""`make soak MINUTES=20`: sustained load by three tenants while partners misbehave; nothing may grow.

Writes docs/measured/soak.md with its charts; exit code 1 when memory, latency or what is owed grew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from tests.benchmarks import soak_page
from tests.benchmarks.proxied import outward
from tests.benchmarks.soak_load import Load
from tests.benchmarks.soak_world import MISBEHAVING, world
from tests.benchmarks.stack import Stack, stack
from tests.processes import end_cleanly_when_asked, wait_until

SAMPLE_SECONDS = 5.0
DRAIN_SECONDS = 120
OWED = """
    SELECT 'inbox of ' || tenant.slug, count(*) FILTER (WHERE queue.due_at IS NOT NULL) FROM orders_tenant AS tenant
    LEFT JOIN orders_orderqueue AS queue ON queue.tenant_id = tenant.id
    WHERE tenant.slug IN ('calm', 'flood') GROUP BY 1
    UNION ALL
    SELECT CASE destination.channel WHEN 'supplier' THEN 'supplier ' ELSE 'warehouse ' END || destination.name,
        count(*) FILTER (WHERE delivery.status = 'pending') FROM orders_destination AS destination
    LEFT JOIN orders_delivery AS delivery ON delivery.destination_id = destination.id GROUP BY 1
"""
ALL_OF = """
    SELECT CASE destination.channel WHEN 'supplier' THEN 'supplier ' ELSE 'warehouse ' END || destination.name, count(*)
    FROM orders_delivery AS delivery JOIN orders_destination AS destination ON destination.id = delivery.destination_id
    GROUP BY 1
"""
LAGS = """
    SELECT extract(epoch FROM received_at - %s)::float8, extract(epoch FROM finished_at - received_at)::float8
    FROM orders_orderevent AS event JOIN orders_tenant AS tenant ON tenant.id = event.tenant_id
    WHERE tenant.slug = 'calm' AND event.status = 'applied'
"""


@dataclass
class Samples:
    seconds: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=dict)
    """Megabytes of each process group, over time."""
    owed: dict[str, list[float]] = field(default_factory=dict)
    """Rows of each inbox and destination, over time."""
    puts: list[tuple[float, float]] = field(default_factory=list)
    """When a calm PUT was answered, and after how many seconds."""
    applied: list[tuple[float, float]] = field(default_factory=list)
    """When a calm event was received, and how many seconds later it was applied."""
    statuses: dict[str, int] = field(default_factory=dict)
    sent_to: dict[str, int] = field(default_factory=dict)
    """All deliveries of each destination, owed or not."""


class Watch:
    """Looks at the processes and at the database."""

    def __init__(self, stacked: Stack, port: int, families: dict[str, psutil.Process]) -> None:
        web = next(one for one in psutil.net_connections("tcp") if one.laddr.port == port and one.status == "LISTEN")
        self._families = families | {"web": _eldest(psutil.Process(web.pid))}
        self._database = psycopg.connect(stacked.servers.database_url, autocommit=True)
        self._began = self._database.execute("SELECT clock_timestamp()").fetchone()[0]

    def look(self, samples: Samples, at: float) -> None:
        samples.seconds.append(at)
        for name, root in self._families.items():
            samples.memory.setdefault(name, []).append(sum(_megabytes(one) for one in _family(root)))
        for name, count in self.owed().items():
            samples.owed.setdefault(name, []).append(count)

    def owed(self) -> dict[str, int]:
        return dict(self._database.execute(OWED).fetchall())

    def well_owed(self) -> int:
        return sum(count for name, count in self.owed().items() if name not in MISBEHAVING)

    def finish(self, samples: Samples) -> None:
        samples.sent_to = dict(self._database.execute(ALL_OF).fetchall())
        samples.applied = self._database.execute(LAGS, [self._began]).fetchall()


def _eldest(process: psutil.Process) -> psutil.Process:
    """gunicorn's master and its workers listen on one socket: whichever was found, the master is wanted."""
    parent = process.parent()
    return parent if parent and "gunicorn" in " ".join(parent.cmdline()) else process


def _family(root: psutil.Process) -> Iterator[psutil.Process]:
    yield root
    yield from root.children(recursive=True)


def _megabytes(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def main(arguments: list[str]) -> int:
    end_cleanly_when_asked()
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=20)
    minutes = parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked:
        samples, versions = soak(outward(stacked), minutes), stacked.servers.versions
    missed = soak_page.missed(samples)
    soak_page.write(samples, minutes, missed, versions)
    print("\n".join([*soak_page.summary(samples), *(f"MISSED: {words}" for words in missed)]))
    return int(bool(missed))


def soak(stacked: Stack, minutes: float) -> Samples:
    samples = Samples()
    with ExitStack() as running:
        running.enter_context(world(stacked))
        port = running.enter_context(stacked.web())
        groups = {f"{queue} worker": running.enter_context(stacked.worker(queue)) for queue in ("inbound", "outbound")}
        groups["scheduler"] = running.enter_context(stacked.beat())
        watch = Watch(stacked, port, {name: psutil.Process(one.process.pid) for name, one in groups.items()})
        with Load(stacked, port) as load:
            while load.seconds < minutes * 60:
                assert not load.failed, load.failed
                time.sleep(SAMPLE_SECONDS)
                watch.look(samples, load.seconds)
        samples.puts, samples.statuses = load.answers.calm, dict(load.answers.statuses)
        wait_until(lambda: watch.well_owed() == 0, seconds=DRAIN_SECONDS, why=lambda: f"still owed: {watch.owed()}")
        watch.finish(samples)
    return samples


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
