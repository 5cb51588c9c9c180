"""Many tills on a slow external service: as many reads at once as there are tills, and what that costs the others.

The ideal is as many reads a second as the callers can ask: their number divided by the service's time. Where the
machine cannot do so much, it is what the same callers get when the service answers at once.
"""

from __future__ import annotations

import statistics
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

import psutil
import psycopg

from tests.benchmarks.comparison import Floor, Limit, Line
from tests.benchmarks.load import Connection, Round, put_request, run_load
from tests.benchmarks.proxied import Oms, get_request, hub_request, neighbour, onboard, outward
from tests.benchmarks.stack import Stack
from tests.bodies import body
from tests.processes import HubProcess, free_port, wait_until

CALLS = ((100, 300), (400, 2_000))
"""Callers, and milliseconds of the service."""
ROUNDS, LOOK_SECONDS = 3, 0.5
CEILING_SECONDS, LEAST_SECONDS, TURNS = 3.0, 4.0, 4
"""Of a round at a service that answers at once; of one at a slow service, in which each caller gets some answers."""
STORED = "/api/v1/business-units/store-1/customer-orders/stored-1"
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orderhub'"


@dataclass
class Hub:
    """Its web processes, and the most that was seen of them."""

    port: int
    database_url: str
    connections: int = 0
    mebibytes: float = 0.0

    def look(self) -> None:
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(COUNT).fetchone()
        self.connections = max(self.connections, row[0] if row else 0)
        self.mebibytes = max(self.mebibytes, sum(each.memory_info().rss for each in self.processes()) / 2**20)

    def processes(self) -> list[psutil.Process]:
        listening = psutil.process_iter(["cmdline"])
        ours = [one for one in listening if "config.wsgi:application" in (one.info["cmdline"] or [])]
        return [one for one in ours if one.environ().get("PORT") == str(self.port)]

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                self.look()

        with beside(watch):
            try:
                yield
            finally:
                over.set()


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@dataclass
class Seen:
    """Of all rounds at one service."""

    shares: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)


def bench(stacked: Stack) -> list[Line]:
    ours, delays = outward(stacked), [0, *(ms for _, ms in CALLS)]
    with ExitStack() as running:
        for ms in delays:
            onboard(ours, f"bench-slow-{ms}", running.enter_context(slow_service(stacked, ms)))
        port = running.enter_context(ours.web())
        reads = {ms: hub_request(ours, port, f"bench-slow-{ms}") for ms in delays}
        stored = stored_read(stacked, port)
        lines: list[Line] = []
        for callers, ms in CALLS:
            lines += of_callers(Hub(port, stacked.environ["DATABASE_URL"]), reads, stored, callers=callers, ms=ms)
        return lines


@contextmanager
def slow_service(stacked: Stack, ms: int) -> Iterator[Oms]:
    oms = Oms(free_port())
    command = [sys.executable, "-m", "tests.benchmarks.slow_service", str(oms.port), str(ms)]
    with HubProcess(command, environ=stacked.environ, log=stacked.folder / f"slow-{ms}.log") as process:
        process.wait_for_text("listens")
        yield oms


def stored_read(stacked: Stack, port: int) -> bytes:
    """A read of an order that the hub holds, of another tenant."""
    token = stacked.token(port)
    read = get_request(STORED, Authorization=f"Bearer {token}")
    connection = Connection(port)
    with stacked.worker("inbound"):
        assert connection.ask(put_request("127.0.0.1", STORED, body("stored-1"), token)) == 202
        wait_until(lambda: connection.ask(read) == 200, every=LOOK_SECONDS)
    connection.close()
    return read


def of_callers(hub: Hub, reads: dict[int, bytes], stored: bytes, *, callers: int, ms: int) -> list[Line]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        return _of_callers(hub, reads, stored, elsewhere, callers=callers, ms=ms)


def _of_callers(
    hub: Hub, reads: dict[int, bytes], stored: bytes, elsewhere: ProcessPoolExecutor, *, callers: int, ms: int
) -> list[Line]:
    """The other tenant's reads are measured in a process of their own: beside some hundred callers in one process they
    would wait for that process, not for the hub."""
    name, ideal, seen = f"slow-oms {callers} on {ms} ms", callers * 1000 / ms, Seen()
    calm = elsewhere.submit(neighbour, hub.port, stored).result()
    hub.look()
    idle = hub.mebibytes
    for _ in range(ROUNDS):
        ceiling = load(hub.port, reads[0], callers=callers, seconds=CEILING_SECONDS).rate
        with hub.watched():
            others = elsewhere.submit(neighbour, hub.port, stored)
            done = load(hub.port, reads[ms], callers=callers, seconds=max(LEAST_SECONDS, TURNS * ms / 1000))
        told = f"{done.rate:.0f} a second, ideal {ideal:.0f}, at once {ceiling:.0f}, refused {done.refused}"
        print(f"  {name}: {told}", flush=True)
        seen.shares.append(done.rate / min(ideal, ceiling))
        seen.refused.append(float(done.refused))
        seen.others.append(others.result().percentile(0.99) / calm.percentile(0.99))
    return table_of(name, seen, hub, idle=idle, calm=calm)


def table_of(name: str, seen: Seen, hub: Hub, *, idle: float, calm: Round) -> list[Line]:
    refused, connections, more = max(seen.refused), hub.connections / 2, hub.mebibytes - idle
    others, normal = statistics.median(seen.others), f"{1000 * calm.percentile(0.99):.1f} ms"
    return [
        Floor(name, "of the ideal", seen.shares, 0.85, "reads a second through the hub, of what is possible"),
        Limit(f"{name}, refused", "reads", refused, seen.refused, "", 0, "reads that were refused"),
        Limit(f"{name}, connections", "", connections, [connections], "", 20, "to the database, of a web process"),
        Limit(f"{name}, memory", "MiB", more, [more], f"{idle:.0f} MiB", 350, "more than idle, of both processes"),
        Limit(f"{name}, others", "times", others, seen.others, normal, 2, "p99 of another tenant's stored reads"),
    ]


def load(port: int, request: bytes, *, callers: int, seconds: float) -> Round:
    def requests(_: int) -> Iterator[bytes]:
        while True:
            yield request

    return run_load(port, requests, connections=callers, seconds=seconds)
