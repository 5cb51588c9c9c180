"""Part of `make bench-scale`: what a million finished events cost the living ones. The filled database is kept.

Two databases on one server, alike but for the history; PUT, and claim with apply, are timed in turns in both.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.comparison import Limit, reported
from tests.benchmarks.stack import ROOT
from tests.bodies import body
from tests.servers import Servers, servers

EVENTS = 1_000_000
PER_ORDER = 10
ROUNDS = 7
PUTS = 300
PENDING = 2_000
MOST = 1.2
"""Times an empty database: within 1.2."""
KEYS = {"HUB_SECRET_KEY": "scale" * 12, "HUB_ENCRYPTION_KEYS": "k1:" + base64.b64encode(b"0" * 32).decode()}

FILL = """
    INSERT INTO orders_orderqueue (tenant_id, business_unit_id, customer_order_id, last_sequence, done_sequence, losses)
        SELECT %(tenant)s, 'store-1', 'past-' || n, %(per)s, %(per)s, 0 FROM generate_series(1, %(orders)s) AS n;
    INSERT INTO orders_orderevent (id, queue_id, tenant_id, sequence, payload, correlation_id, status, changed,
            attempts, finished_at)
        SELECT (lpad(to_hex(1700000000000 + s * 1000000 + queue.id), 12, '0') || '7000800000000000' || '0000')::uuid,
            queue.id, queue.tenant_id, s, replace(%(body)s, 'ORDER', queue.customer_order_id), 'past', 'applied', true,
            1, clock_timestamp()
        FROM generate_series(1, %(per)s) AS s, orders_orderqueue AS queue WHERE queue.customer_order_id LIKE 'past-%%';
    INSERT INTO orders_order (queue_id, tenant_id, business_unit_id, customer_order_id, customer_id, status, item_ids,
            document, digest, applied_sequence, received_at, updated_at)
        SELECT id, tenant_id, business_unit_id, customer_order_id, 'c-' || id %% 1000, 'CREATED', '["BEAN-1"]',
            replace(%(body)s, 'ORDER', customer_order_id), '', %(per)s, clock_timestamp(), clock_timestamp()
        FROM orders_orderqueue WHERE customer_order_id LIKE 'past-%%';
"""


def main() -> int:
    with servers(durable=True, keep="bench-scale") as started:
        print(f"databases kept in {started.folder}", flush=True)
        empty, filled = (database(started, name) for name in ("scale_empty", "scale_filled"))
        _prepare(empty, 0)
        _prepare(filled, EVENTS)
        figures: dict[str, dict[str, list[float]]] = {"empty": {}, "filled": {}}
        for number in range(ROUNDS):
            for name, url in (("empty", empty), ("filled", filled)):
                for what, seconds in _measured(url, f"{os.getpid()}-{number}").items():
                    figures[name].setdefault(what, []).append(seconds)
            print(f"  round {number + 1} of {ROUNDS}", flush=True)
        version = started.versions[0]
    return _report(figures, version)


def _report(figures: dict[str, dict[str, list[float]]], version: str) -> int:
    lines = []
    for what, rounds in figures["filled"].items():
        ratios = [filled / empty for filled, empty in zip(rounds, figures["empty"][what], strict=True)]
        told = f"{what}: time with {EVENTS:,} finished events against none"
        lines.append(Limit(f"scale-{what}", "times", statistics.median(ratios), ratios, "", MOST, told))
    print(f"\n{version}, Python {platform.python_version()}, {os.cpu_count()} cores")
    return reported(lines)


def database(started: Servers, name: str) -> str:
    with psycopg.connect(started.database_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {name}")
    return urlsplit(started.database_url)._replace(path=f"/{name}").geturl()


def _prepare(url: str, events: int) -> None:
    """Migrate; fill once."""
    environ = dict(os.environ) | KEYS | {"DATABASE_URL": url}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environ, check=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TENANT)
        tenant = connection.execute("SELECT id FROM orders_tenant WHERE slug = 'scale'").fetchone()[0]
        known = connection.execute("SELECT count(*) FROM orders_order WHERE customer_order_id LIKE 'past-%'").fetchone()
        if events and known[0] < events // PER_ORDER:
            print(f"filling in {events:,} finished events; this is kept for the next run", flush=True)
            values = {"tenant": tenant, "per": PER_ORDER, "orders": events // PER_ORDER}
            for statement in FILL.strip().split(";")[:-1]:
                connection.execute(statement, values | {"body": body("ORDER").decode()})
            connection.execute("VACUUM ANALYZE")


TENANT = """
    INSERT INTO orders_tenant (slug, name, active, mode, country, time_zone, external_url, status_map, case_type,
        not_fetched_after_minutes, created_at, updated_at)
    VALUES ('scale', 'Scale', true, 'events', '', 'UTC', '', '{}', 'contentClaim', 30, now(), now())
    ON CONFLICT (slug) DO NOTHING
"""


def _measured(url: str, run: str) -> dict[str, float]:
    environ = dict(os.environ) | KEYS | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--measure", run]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(run: str) -> dict[str, float]:
    """In a process of its own: seconds per PUT stored (median), and per event claimed and applied; leaves no trace."""
    import django

    django.setup()
    from orders.inbox import applying, reception
    from orders.models import Order, OrderEvent, OrderQueue, Tenant
    from orders.queueing import wake_ups
    from orders.values.order_key import OrderKey

    wake_ups._Waker.wake = lambda self: None
    tenant = Tenant.objects.get(slug="scale")

    def put(number: int) -> float:
        order = f"live-{run}-{number}"
        started = time.perf_counter()
        key = OrderKey(tenant.pk, "store-1", order)
        reception.accept(key, payload=body(order), client_id=None, correlation_id="scale")
        return time.perf_counter() - started

    puts = [put(number) for number in range(PENDING)]
    started = time.perf_counter()
    while applying.drain():
        pass
    applied = (time.perf_counter() - started) / PENDING
    queues = list(OrderQueue.objects.filter(customer_order_id__startswith=f"live-{run}-").values_list("pk", flat=True))
    assert OrderEvent.objects.filter(queue__in=queues, status="applied").count() == PENDING
    for model in (OrderEvent, Order):
        model.objects.filter(queue__in=queues).delete()
    OrderQueue.objects.filter(pk__in=queues).delete()
    return {"put": statistics.median(puts[-PUTS:]), "claim-and-apply": applied}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        sys.exit(main())
