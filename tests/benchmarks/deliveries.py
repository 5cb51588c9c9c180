"""Telling suppliers: deliveries per second, how soon the first attempt comes, and what a hanging endpoint costs others.

The receiver is a process of its own that answers at once (tests/benchmarks/receiver.py).
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.benchmarks import posting, puts
from tests.benchmarks.comparison import ROUNDS, Comparison, Limit, Measure, compare, compare_all
from tests.benchmarks.load import run_load
from tests.benchmarks.proxied import get_request, outward
from tests.benchmarks.stack import BIN, ROOT, Stack
from tests.bodies import body
from tests.processes import HubProcess, free_port, wait_until

ENDPOINTS = 10
THREADS = 32
"""HUB_OUTBOUND_THREADS, its default."""
DELIVERIES = 2_000
CELERY_DELIVERIES = 300
LATENCY_SECONDS = 2.0
CONNECTIONS, GET_SECONDS, GET_ROUNDS = 16, 1.5, 5
READ, WRITE = "customer-orders:read", "customer-orders:write"
SECRET = "bench-supplier-secret-0123456789-0123456789"
TABLES = "orders_deliveryattempt, orders_delivery, orders_lane, orders_orderevent, orders_order, orders_orderqueue"
FILL_LANES = """
    INSERT INTO orders_lane (destination_id, key, tenant_id, business_unit_id, customer_order_id, last_position,
        done_position, due_at, losses)
    SELECT d.id, 'order:' || n, d.tenant_id, 'store-1', n::text, 1, 0, clock_timestamp(), 0
    FROM generate_series(1, %s) AS n, orders_destination AS d
    WHERE d.name LIKE 'told-%%' AND (%s OR d.name = 'told-0')
"""
FILL_DELIVERIES = """
    INSERT INTO orders_delivery (id, lane_id, destination_id, tenant_id, position, kind, payload, reference, sequence,
        correlation_id, status, attempts, tries_left_from, error)
    SELECT gen_random_uuid(), lane.id, lane.destination_id, lane.tenant_id, 1, 'order_created', %s,
        gen_random_uuid()::text, 1, 'bench', 'pending', 0, 0, '' FROM orders_lane AS lane
"""
WELL = """
    UPDATE orders_destination SET state = 'running', state_reason = '', probe_at = NULL, failures = 0,
        open_seconds = NULL, waits_until = NULL, recovering_since = NULL
"""


class Endpoints:
    """Ten ports of one receiver; ``told-9`` is the one that hangs."""

    def __init__(self) -> None:
        self.ports = [free_port() for _ in range(ENDPOINTS)]

    def ask(self, number: int, word: str) -> dict[str, float]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.ports[number]}/{word}") as answer:
            return json.load(answer)

    def url(self, number: int = 0) -> str:
        return f"http://127.0.0.1:{self.ports[number]}/hook"

    def counted(self, numbers: range) -> int:
        return int(sum(self.ask(number, "count")["count"] for number in numbers))

    def reset(self) -> None:
        for number in range(ENDPOINTS):
            self.ask(number, "reset")


@contextmanager
def endpoints(stacked: Stack) -> Iterator[Endpoints]:
    found = Endpoints()
    command = [sys.executable, "-m", "tests.benchmarks.receiver", *map(str, found.ports)]
    with HubProcess(command, environ=stacked.environ, log=stacked.folder / "receiver.log") as process:
        process.wait_for_text("receiver listens")
        yield found


def onboard(stacked: Stack, receiver: Endpoints) -> None:
    """A tenant whose ten suppliers have a webhook each; the first takes every line."""
    suppliers = [
        {
            "id": f"told-{number}",
            "name": f"Told {number}",
            "item_patterns": ["*"] if number == 0 else ["NONE"],
            "api_client": {
                "client_id": f"told-{number}",
                "client_secret": SECRET,
                "scopes": ["supplier-orders:read", "events"],
            },
            "webhook": {"url": receiver.url(number), "concurrency": 256 if number == 0 else 4},
        }
        for number in range(ENDPOINTS)
    ]
    client = {"client_id": "teller", "client_secret": SECRET, "scopes": [READ, WRITE]}
    tenant = {"id": "told", "name": "Told", "mode": "events", "api_clients": [client], "suppliers": suppliers}
    file = stacked.folder / "told.yaml"
    file.write_text(json.dumps({"tenants": [tenant]}))  # JSON is YAML
    stacked.manage("onboard", str(file))


class Outbox:
    """Fills the outbox while the tenant is stopped, lets it go, and times what is delivered."""

    def __init__(self, stacked: Stack, receiver: Endpoints) -> None:
        self.receiver = receiver
        self.database = psycopg.connect(stacked.servers.database_url, autocommit=True)

    def fill(self, lanes: int, *, everywhere: bool) -> None:
        self.activate(False)
        self.receiver.reset()
        wait_until(lambda: self.one("SELECT count(*) FROM orders_lane WHERE lease IS NOT NULL") == 0, seconds=60)
        self.database.execute(f"TRUNCATE {TABLES}")
        self.database.execute(WELL)
        concurrency = "UPDATE orders_destination SET concurrency = %s WHERE name = 'told-0'"
        self.database.execute(concurrency, [4 if everywhere else 256])
        self.database.execute(FILL_LANES, [lanes, everywhere])
        self.database.execute(FILL_DELIVERIES, [posting.BODY.decode()])
        for table in ("orders_lane", "orders_delivery"):
            self.database.execute(f"VACUUM ANALYZE {table}")

    def activate(self, active: bool) -> None:
        self.database.execute("UPDATE orders_tenant SET active = %s WHERE slug = 'told'", [active])

    def one(self, sql: str) -> object:
        return self.database.execute(sql).fetchone()[0]

    def rate(self) -> float:
        """One endpoint with room for every thread; from its first attempt to the last one recorded."""
        self.fill(DELIVERIES, everywhere=False)
        self.activate(True)
        self.wait()
        sql = """SELECT extract(epoch FROM max(d.finished_at) - min(a.started_at)), count(*) FROM orders_delivery d
                 JOIN orders_deliveryattempt a ON a.delivery_id = d.id WHERE d.status = 'delivered'"""
        seconds, delivered = self.database.execute(sql).fetchone()
        assert delivered == DELIVERIES, f"{delivered} of {DELIVERIES} were delivered"
        return DELIVERIES / float(seconds)

    def wait(self) -> None:
        done = "SELECT count(*) FROM orders_lane WHERE due_at IS NOT NULL"
        wait_until(lambda: self.one(done) == 0, seconds=60, every=0.05)

    def nine(self, *, hanging: bool) -> float:
        """Deliveries per second at the nine endpoints that answer, while the tenth answers or hangs."""
        each = DELIVERIES // ENDPOINTS
        self.fill(each, everywhere=True)
        if hanging:
            self.receiver.ask(ENDPOINTS - 1, "hang")
        self.activate(True)
        nine = """SELECT count(*) FILTER (WHERE l.due_at IS NOT NULL) FROM orders_lane l
                  JOIN orders_destination d ON d.id = l.destination_id WHERE d.name <> 'told-9'"""
        wait_until(lambda: self.one(nine) == 0, seconds=60, every=0.05)
        sql = """SELECT extract(epoch FROM max(x.finished_at) - min(a.started_at)) FROM orders_delivery x
                 JOIN orders_deliveryattempt a ON a.delivery_id = x.id
                 JOIN orders_destination d ON d.id = x.destination_id WHERE d.name <> 'told-9'"""
        return (ENDPOINTS - 1) * each / float(self.one(sql))

    def first_attempts(self, per_second: float) -> float:
        """Events put into the inbox at an even pace; 99th percentile from applied to the first attempt, in seconds."""
        self.fill(0, everywhere=False)
        self.activate(True)
        step = 0.05
        for number in range(int(LATENCY_SECONDS / step)):
            began = time.monotonic()
            self._arrive(max(1, round(per_second * step)), f"{uuid.uuid4().hex[:8]}-{number}")
            time.sleep(max(0.0, step - (time.monotonic() - began)))
        pending = "SELECT count(*) FROM orders_orderevent WHERE status = 'pending'"
        wait_until(lambda: self.one(pending) == 0, seconds=60, every=0.1)
        self.wait()
        sql = """SELECT extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY a.started_at - e.finished_at))
                 FROM orders_delivery d JOIN orders_orderevent e ON e.id = d.event_id
                 JOIN orders_deliveryattempt a ON a.delivery_id = d.id AND a.number = 1"""
        return float(self.one(sql))

    def _arrive(self, count: int, run: str) -> None:
        """As reception would: a queue and its event, due at once."""
        sql = """
            WITH q AS (
                INSERT INTO orders_orderqueue (tenant_id, business_unit_id, customer_order_id, last_sequence,
                    done_sequence, due_at, losses)
                SELECT t.id, 'store-1', %(run)s || '-' || n, 1, 0, clock_timestamp(), 0
                FROM generate_series(1, %(count)s) AS n, orders_tenant AS t WHERE t.slug = 'told'
                RETURNING id, tenant_id, customer_order_id
            )
            INSERT INTO orders_orderevent (id, queue_id, tenant_id, sequence, payload, correlation_id)
            SELECT gen_random_uuid(), id, tenant_id, 1, replace(%(body)s, 'ORDER', customer_order_id), 'bench' FROM q
        """
        self.database.execute(sql, {"run": run, "count": count, "body": body("ORDER").decode()})


def bare_loop(receiver: Endpoints) -> Callable[[], float]:
    def once() -> float:
        arguments = ["-m", "tests.benchmarks.posting", receiver.url(), str(DELIVERIES), str(THREADS)]
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        return float(done.stdout)

    return once


def celery(stacked: Stack, receiver: Endpoints) -> Callable[[], float]:
    """A task per delivery, in as many threads of one worker; timed by the receiver."""

    def once() -> float:
        receiver.ask(0, "reset")
        with posting.celery_app.connection_for_write(stacked.servers.redis_url) as connection:
            for _ in range(CELERY_DELIVERIES):
                posting.post_task.apply_async((receiver.url(),), connection=connection, queue="posting")
        command = [str(BIN / "celery"), "-A", "tests.benchmarks.posting:celery_app", "worker", "-P", "threads"]
        command += ["-c", str(THREADS), "-Q", "posting", "--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
        plain = {name: value for name, value in stacked.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        with HubProcess(command, environ=plain, log=stacked.folder / "celery-posting.log"):
            wait_until(lambda: receiver.counted(range(1)) >= CELERY_DELIVERIES, seconds=60, every=0.2)
        return CELERY_DELIVERIES / receiver.ask(0, "count")["seconds"]

    return once


def bench(stacked: Stack) -> list[Comparison | Limit]:
    ours = outward(stacked)
    with endpoints(ours) as receiver:
        onboard(ours, receiver)
        outbox = Outbox(ours, receiver)
        outbox.activate(False)
        with ours.worker("both"), ours.beat():
            told = "deliveries per second from one outbound worker with 32 threads, against"
            lines: list[Comparison | Limit] = [
                *compare_all([
                    Measure("deliver/loop", "/s", outbox.rate, bare_loop(receiver),
                            f"{told} a bare loop of pooled posts in as many threads", 0.6),
                    Measure("deliver/celery", "/s", outbox.rate, celery(ours, receiver),
                            f"{told} a Celery task per delivery with a new connection", 3),
                ]),
                compare(Measure("deliver-hanging", "/s", lambda: outbox.nine(hanging=True),
                                lambda: outbox.nine(hanging=False),
                                "nine endpoints while the tenth hangs, against all ten answering", 0.9)),
            ]  # fmt: skip
            rate = max(lines[0].hub) if isinstance(lines[0], Comparison) else 0.0
            lines.append(_latency(outbox, rate / 2))
        return lines


def _latency(outbox: Outbox, per_second: float) -> Limit:
    outbox.first_attempts(per_second)
    rounds = [outbox.first_attempts(per_second) for _ in range(ROUNDS)]
    rounds.sort()
    what = f"event applied to first attempt, 99th percentile, at {per_second:,.0f} events a second"
    return Limit("deliver-first-attempt", "s", rounds[len(rounds) // 2], rounds, "", 1.0, what)


def bench_order_data(stacked: Stack) -> list[Comparison | Limit]:
    """A supplier fetches its parts, against a bare Django view that answers JSON after one query."""
    ours = outward(stacked)
    puts.prepare(ours)
    with endpoints(ours) as receiver, ours.web() as hub, ours.baseline() as bare:
        onboard(ours, receiver)
        outbox = Outbox(ours, receiver)
        outbox.fill(0, everywhere=False)
        outbox.activate(True)
        tokens = _parts(ours, outbox, hub)
        bearer = ours.token(hub, client_id="told-0", secret=SECRET)
        keep = "INSERT INTO bare_event (body) VALUES (%s) RETURNING id"
        number = outbox.database.execute(keep, [body("1001").decode()]).fetchone()[0]

        def fetch() -> float:
            return _gets(hub, [get_request(f"/api/Orders?ExternalId={token}", Authorization=f"Bearer {bearer}")
                               for token in tokens])  # fmt: skip

        def bare_read() -> float:
            return _gets(bare, [get_request(f"/read/{number}")])

        what = "Order Data GETs per second, against a bare Django view that answers JSON after one query"
        return [compare(Measure("order-data", "GET/s", fetch, bare_read, what, 0.5), rounds=GET_ROUNDS)]


def _parts(stacked: Stack, outbox: Outbox, port: int) -> list[str]:
    token = stacked.token(port, client_id="teller", secret=SECRET)
    puts.puts(uuid.uuid4().hex[:8], port, token, connections=4, seconds=0.5)
    with stacked.worker("inbound"), stacked.beat():
        pending = "SELECT count(*) FROM orders_orderevent WHERE status = 'pending'"
        wait_until(lambda: outbox.one(pending) == 0, seconds=60, every=0.1)
    rows = outbox.database.execute("SELECT order_token FROM suppliers_supplierpart ORDER BY id DESC LIMIT 200")
    return [str(row[0]) for row in rows]


def _gets(port: int, wanted: list[bytes]) -> float:
    """Each connection begins elsewhere: suppliers do not all fetch the same order at the same moment."""

    def requests(number: int) -> Iterator[bytes]:
        start = number * len(wanted) // CONNECTIONS
        return itertools.cycle(wanted[start:] + wanted[:start])

    done = run_load(port, requests, connections=CONNECTIONS, seconds=GET_SECONDS)
    assert done.refused == 0, f"{done.refused} GETs were refused"
    return done.rate
