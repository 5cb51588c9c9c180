"""`make sizes`: what each part costs per million, and what more workers bring. Writes docs/measured/scaling.md.

The parts are measured one after another, so that what PostgreSQL spends on each can be told apart: PUTs while no worker
runs, then applying, then telling a supplier, then reads.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import psycopg
import redis

from tests.benchmarks import sizes_page
from tests.benchmarks.applying import Applying
from tests.benchmarks.deliveries import SECRET, endpoints, onboard
from tests.benchmarks.load import Connection, put_request
from tests.benchmarks.proxied import get_request, outward
from tests.benchmarks.stack import Stack, stack
from tests.benchmarks.usage import Meter, Usage
from tests.processes import HubProcess, end_cleanly_when_asked, wait_until

ORDERS = 4_000
EVENTS_PER_ORDER = 2
CONNECTIONS = 8
WARM_ORDERS = 100
ROUNDS = 3
GROUPS = ((1, 1), (1, 2), (2, 1), (2, 2))
"""Process groups (worker hosts) and processes of each."""
COMMIT_SECONDS = 3.0
COMMITTERS = (1, 16)
LINES = 5
TABLES = {
    "order": ("orders_order",),
    "event": ("orders_orderevent",),
    "queue of an order": ("orders_orderqueue",),
    "delivery, with its lane and tries": ("orders_delivery", "orders_lane", "orders_deliveryattempt"),
}


@dataclass
class Sizes:
    body_bytes: int
    orders: int = ORDERS
    events: int = ORDERS * EVENTS_PER_ORDER
    parts: dict[str, tuple[int, Usage]] = field(default_factory=dict)
    """Of each part: how many it did, and what they used."""
    bytes_of: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Of each kind of row: how many, bytes of tables, bytes of indexes."""
    other_bytes: int = 0
    redis_idle: float = 0.0
    redis_peak: float = 0.0
    groups: dict[tuple[int, int], tuple[float, Usage]] = field(default_factory=dict)
    """Of so many hosts with so many processes: events applied a second, and what 20,000 used."""
    commits: dict[int, float] = field(default_factory=dict)
    """Commits a second by so many connections, one row each."""


def body(order_id: str, number: int) -> bytes:
    """Five lines with discounts and an address: what a shop sends."""
    items = [
        {"itemId": f"P{line}", "itemName": f"Item {line} of the catalogue", "quantityOrdered": 2, "unitPrice": 19.95,
         "discounts": [{"discountId": "d", "discountText": "less", "rewardType": "amount", "discountAmount": 1.5}]}
        for line in range(1, LINES + 1)
    ]  # fmt: skip
    address = {"name": "A Person", "line1": "1 Road", "city": "Town", "postalCode": "N1 1AA", "countryCode": "GB"}
    order = {
        "customerOrderId": order_id, "customerId": f"c-{number}", "status": "CREATED", "currencyId": "GBP",
        "placedDateTime": "2026-11-20T10:00:00Z", "deliveryAddress": address, "items": items,
    }  # fmt: skip
    return json.dumps({"customerOrder": order}).encode()


def main() -> int:
    end_cleanly_when_asked()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked:
        found = Sizes(len(body("order-1", 1)))
        meter = Meter(stacked.servers)
        measure_parts(outward(stacked), meter, found)
        print("parts measured; now workers", flush=True)
        measure_groups(stacked, meter, found)
        found.commits = {count: commits_per_second(stacked, count) for count in COMMITTERS}
        versions = stacked.servers.versions
    sizes_page.write(found, versions, seconds=time.monotonic() - began)
    print(sizes_page.PAGE.read_text())
    return 0


def measure_parts(stacked: Stack, meter: Meter, found: Sizes) -> None:
    with endpoints(stacked) as receiver, redis.Redis(port=stacked.servers.redis.port) as broker:
        onboard(stacked, receiver)
        found.redis_idle = broker.info("memory")["used_memory"]
        with stacked.web() as port:
            token = stacked.token(port, client_id="teller", secret=SECRET)
            web = {"web": _server_of(port)}
            before = meter.sizes()
            _ask_all(port, _puts("warm", WARM_ORDERS, token))
            with meter.measured(web) as usage:
                _ask_all(port, _puts("order", ORDERS, token))
            found.parts["PUT (web)"] = found.events, usage
        usage = _worked(stacked, meter, "inbound", "orders_orderqueue")
        found.parts["apply (inbound worker)"] = found.events + WARM_ORDERS * EVENTS_PER_ORDER, usage
        deliveries = int(meter.one("SELECT count(*) FROM orders_delivery WHERE status = 'pending'"))
        usage = _worked(stacked, meter, "outbound", "orders_lane")
        found.parts["tell a supplier (outbound worker)"] = deliveries, usage
        found.redis_peak = broker.info("memory")["used_memory_peak"]
        with stacked.web() as port:
            web = {"web": _server_of(port)}
            reads = [get_request(READ.format(n % ORDERS), Authorization=f"Bearer {token}") for n in range(ORDERS)]
            _ask_all(port, reads[:WARM_ORDERS], wanted=200)
            with meter.measured(web) as usage:
                _ask_all(port, reads, wanted=200)
            found.parts["GET of an order (web)"] = len(reads), usage
        _weigh(meter, before, found)


READ = "/api/v1/business-units/store-1/customer-orders/order-{}"


def _worked(stacked: Stack, meter: Meter, queue: str, table: str) -> Usage:
    """What one kind of worker uses for everything that is due to it; stopped tenants let it start beforehand."""
    meter.one("WITH done AS (UPDATE orders_tenant SET active = false RETURNING 1) SELECT count(*) FROM done")
    due = f"SELECT count(*) FROM {table} WHERE due_at IS NOT NULL"
    with stacked.worker(queue) as worker, stacked.beat() as beat:
        family = {f"{queue} worker": psutil.Process(worker.process.pid), "scheduler": psutil.Process(beat.process.pid)}
        wait_until(lambda: _settled(family[f"{queue} worker"]), seconds=90)
        with meter.measured(family) as usage:
            meter.one("WITH done AS (UPDATE orders_tenant SET active = true RETURNING 1) SELECT count(*) FROM done")
            wait_until(lambda: not meter.one(due), seconds=900, every=0.1)
    return usage


def _settled(root: psutil.Process) -> bool:
    """Loaded: it no longer computes."""
    before = sum(one.cpu_times().user for one in [root, *root.children(recursive=True)])
    time.sleep(1.0)
    after = sum(one.cpu_times().user for one in [root, *root.children(recursive=True)])
    return before > 1.0 and after - before < 0.15


def _weigh(meter: Meter, before: dict[str, tuple[int, int]], found: Sizes) -> None:
    after = meter.sizes()
    grown = {name: tuple(now - then for now, then in zip(after[name], before.get(name, (0, 0)), strict=True))
             for name in after}  # fmt: skip
    for kind, tables in TABLES.items():
        count = int(meter.one(f"SELECT count(*) FROM {tables[0]}"))
        table, indexes = (sum(grown[name][side] for name in tables) for side in (0, 1))
        found.bytes_of[kind] = count, table, indexes
    known = {name for tables in TABLES.values() for name in tables}
    found.other_bytes = sum(sum(each) for name, each in grown.items() if name not in known)


def _puts(name: str, orders: int, token: str) -> list[bytes]:
    """Every order once, then every order again, changed."""
    return [
        put_request("127.0.0.1", READ.replace("order-{}", f"{name}-{number}"), body(f"{name}-{number}", again), token)
        for again in range(EVENTS_PER_ORDER)
        for number in range(orders)
    ]


def _ask_all(port: int, requests: list[bytes], *, wanted: int = 202) -> None:
    def ask(share: list[bytes]) -> None:
        connection = Connection(port)
        for request in share:
            status = connection.ask(request)
            assert status == wanted, f"answered {status}"
        connection.close()

    threads = [threading.Thread(target=ask, args=(requests[number::CONNECTIONS],)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _server_of(port: int) -> psutil.Process:
    listener = next(one for one in psutil.net_connections("tcp") if one.laddr.port == port and one.status == "LISTEN")
    process = psutil.Process(listener.pid)
    parent = process.parent()
    return parent if parent and "gunicorn" in " ".join(parent.cmdline()) else process


def measure_groups(stacked: Stack, meter: Meter, found: Sizes) -> None:
    applying = Applying(stacked)
    for hosts, processes in GROUPS:
        with _hosts(stacked, hosts, processes) as workers, stacked.beat():
            families = {f"host {n}": psutil.Process(each.process.pid) for n, each in enumerate(workers)}
            for family in families.values():
                wait_until(lambda family=family: _settled(family), seconds=90)
            applying.rate(orders=2_000)
            rates = []
            for _ in range(ROUNDS):
                with meter.measured(families) as usage:
                    rates.append(applying.rate(orders=2_000))
            found.groups[hosts, processes] = statistics.median(rates), usage
        print(f"{hosts} hosts of {processes} processes: {rates}", flush=True)


@contextmanager
def _hosts(stacked: Stack, hosts: int, processes: int) -> Iterator[list[HubProcess]]:
    environ = stacked.environ | {"HUB_WORKER_PROCESSES": str(processes)}
    with ExitStack() as running:
        yield [
            running.enter_context(replace(stacked, environ=environ, folder=_folder(stacked, number)).worker("inbound"))
            for number in range(hosts)
        ]


def _folder(stacked: Stack, number: int) -> Path:
    folder = stacked.folder / f"host-{number}"
    folder.mkdir(exist_ok=True)
    return folder


def commits_per_second(stacked: Stack, committers: int) -> float:
    """What this disk takes: one small row and one commit after another, by so many connections."""
    with psycopg.connect(stacked.servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_commit (n int)")
    until, counts = time.monotonic() + COMMIT_SECONDS, [0] * committers

    def commit(number: int) -> None:
        with psycopg.connect(stacked.servers.database_url, autocommit=True) as connection:
            while time.monotonic() < until:
                connection.execute("INSERT INTO bench_commit VALUES (1)")
                counts[number] += 1

    _all_at_once(commit, committers)
    return sum(counts) / COMMIT_SECONDS


def _all_at_once(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
