"""Events applied per second by two worker processes, against a job per event in two other queues."""

from __future__ import annotations

import subprocess
import sys
import uuid
from contextlib import ExitStack

import psycopg

from tests.benchmarks import peers
from tests.benchmarks.comparison import Comparison, Measure, compare_all
from tests.benchmarks.stack import BIN, ROOT, Stack
from tests.bodies import body
from tests.processes import HubProcess, wait_until

EVENTS = 20_000
PEER_EVENTS = 700
PEER_ORDERS = 200
FILL = """
    INSERT INTO orders_orderqueue (tenant_id, business_unit_id, customer_order_id, last_sequence, done_sequence, due_at,
        losses) SELECT %(tenant)s, 'store-1', %(run)s || '-' || n, %(per)s, 0, clock_timestamp(), 0
        FROM generate_series(1, %(orders)s) AS n;
"""
FILL_EVENTS = """
    INSERT INTO orders_orderevent (id, queue_id, tenant_id, sequence, payload, correlation_id)
    SELECT gen_random_uuid(), queue.id, queue.tenant_id, s,
        replace(replace(%(body)s, 'ORDER', queue.customer_order_id), 'CUSTOMER', s::text), 'bench'
    FROM orders_orderqueue AS queue, generate_series(1, queue.last_sequence) AS s
    WHERE queue.customer_order_id LIKE %(run)s || '-%%' ORDER BY s, queue.id
"""


COPY_TENANT = """
    INSERT INTO orders_tenant (slug, name, active, mode, country, time_zone, external_url, status_map, case_type,
        not_fetched_after_minutes, created_at, updated_at)
    SELECT %s, %s, active, mode, country, time_zone, external_url, status_map, case_type, not_fetched_after_minutes,
        created_at, updated_at FROM orders_tenant WHERE slug = 'bench' ON CONFLICT (slug) DO NOTHING
"""
LATENCIES = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - received_at)),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - received_at))
    FROM orders_orderevent AS event JOIN orders_orderqueue AS queue ON queue.id = event.queue_id
    WHERE status = 'applied' AND event.tenant_id = %s AND customer_order_id LIKE %s || '%%'
"""


class Applying:
    """Fills the inbox while the tenant is stopped, lets it go, and times until nothing is due."""

    def __init__(self, stacked: Stack, *, tenant: str = "bench") -> None:
        self._database = psycopg.connect(stacked.servers.database_url, autocommit=True)
        self._database.execute(COPY_TENANT, [tenant, tenant])
        self._tenant = self._id_of(tenant)

    def fill(self, *, orders: int, events: int) -> str:
        """Pending events of ever new orders, their tenant stopped; returns what the orders' ids begin with."""
        run = uuid.uuid4().hex[:8]
        values = {"tenant": self._tenant, "run": run, "orders": orders, "per": events // orders}
        self.activate(False)
        self.empty()
        self._database.execute(FILL, values)
        self._database.execute(FILL_EVENTS, values | {"body": body("ORDER", customer="CUSTOMER").decode()})
        self._database.execute("VACUUM ANALYZE orders_orderevent")
        self._database.execute("VACUUM ANALYZE orders_orderqueue")
        return run

    def rate(self, *, orders: int, events: int = EVENTS) -> float:
        self.fill(orders=orders, events=events)
        started = self._database.execute("SELECT clock_timestamp()").fetchone()[0]
        self.activate(True)
        wait_until(self.nothing_due, seconds=120, every=0.05)
        last = "SELECT max(finished_at), count(*) FROM orders_orderevent WHERE status = 'applied'"
        finished, applied = self._database.execute(last).fetchone()
        assert applied == events, f"{applied} of {events} events were applied"
        return events / (finished - started).total_seconds()

    def empty(self) -> None:
        self._database.execute("TRUNCATE orders_orderevent, orders_order, orders_orderqueue")

    def latencies(self, *, tenant: str = "", run: str = "") -> tuple[float, float]:
        """Seconds from reception to applied of the orders whose ids begin with ``run``: p50 and p99."""
        whose = self._id_of(tenant) if tenant else self._tenant
        found = self._database.execute(LATENCIES, [whose, run]).fetchone()
        return float(found[0]), float(found[1])

    def activate(self, active: bool) -> None:
        self._database.execute("UPDATE orders_tenant SET active = %s WHERE id = %s", [active, self._tenant])

    def _id_of(self, slug: str) -> int:
        return self._database.execute("SELECT id FROM orders_tenant WHERE slug = %s", [slug]).fetchone()[0]

    def nothing_due(self) -> bool:
        due = "SELECT 1 FROM orders_orderqueue WHERE due_at IS NOT NULL LIMIT 1"
        return self._database.execute(due).fetchone() is None


class Peers:
    """The two peers with two worker processes each, timed by when their first and last jobs were done."""

    def __init__(self, stacked: Stack) -> None:
        self._stacked = stacked
        self._database = psycopg.connect(stacked.servers.database_url, autocommit=True)
        self._database.execute(peers.TABLES)

    def prepare(self) -> None:
        command = [sys.executable, "-m", "procrastinate", "--app=tests.benchmarks.peers.app", "schema", "--apply"]
        subprocess.run(command, cwd=ROOT, env=self._stacked.environ, check=True)

    def procrastinate(self) -> float:
        self._database.execute("TRUNCATE peer_order, peer_done, procrastinate_jobs CASCADE")
        args = "jsonb_build_object('body', replace(%s, 'ORDER', (n %% %s)::text))"
        defer = f"""
            INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
            SELECT 'default', 'peer', (n %% %s)::text, {args} FROM generate_series(1, %s) AS n
        """
        text = body("ORDER").decode()
        self._database.execute(defer, [PEER_ORDERS, text, PEER_ORDERS, PEER_EVENTS])
        command = [sys.executable, "-m", "procrastinate", "--app=tests.benchmarks.peers.app", "worker", "-c", "4"]
        return self._timed([command, command], "procrastinate")

    def celery(self) -> float:
        self._database.execute("TRUNCATE peer_order, peer_done")
        with peers.celery_app.connection_for_write(self._stacked.servers.redis_url) as connection:
            for number in range(PEER_EVENTS):
                text = body(str(number % PEER_ORDERS)).decode()
                peers.celery_task.apply_async((text,), connection=connection)
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
        command = [str(BIN / "celery"), "-A", "tests.benchmarks.peers:celery_app", "worker", "-P", "prefork", "-c", "2"]
        return self._timed([command + quiet], "celery")

    def _timed(self, commands: list[list[str]], name: str) -> float:
        done = "SELECT count(*), min(at), max(at) FROM peer_done"
        with ExitStack() as running:
            for number, command in enumerate(commands):
                running.enter_context(self._process(command, f"{name}-{number}.log"))
            wait_until(lambda: self._database.execute(done).fetchone()[0] >= PEER_EVENTS, seconds=120, every=0.2)
        _, first, last = self._database.execute(done).fetchone()
        return PEER_EVENTS / (last - first).total_seconds()

    def _process(self, command: list[str], log: str) -> HubProcess:
        plain = {name: value for name, value in self._stacked.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return HubProcess(command, environ=plain, log=self._stacked.folder / log)


def measures(stacked: Stack) -> list[Measure]:
    applying, others = Applying(stacked), Peers(stacked)
    others.prepare()
    known, new = (lambda: applying.rate(orders=2_000)), (lambda: applying.rate(orders=EVENTS))
    over = f"{EVENTS:,} events over"
    return [
        Measure("apply-2000/procrastinate", "events/s", known, others.procrastinate, f"{over} 2,000 orders", 12),
        Measure("apply-2000/celery", "events/s", known, others.celery, f"{over} 2,000 orders", 6),
        Measure("apply-new/procrastinate", "events/s", new, others.procrastinate, f"{over} as many new orders", 5),
        Measure("apply-new/celery", "events/s", new, others.celery, f"{over} as many new orders", 2.5),
    ]


def bench(stacked: Stack) -> list[Comparison]:
    with stacked.worker("inbound"), stacked.beat():
        return compare_all(measures(stacked))
