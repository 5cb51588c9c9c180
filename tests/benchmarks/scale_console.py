"""How long the console's pages take with a million orders, three million events and five million deliveries.

    make bench-scale ONLY=console
    python -m tests.benchmarks.scale_console [--only WORD]      the pages whose name has the word

Part of `make bench-scale`. The database is filled once (`scale_console_rows`) and kept. Pages are asked for by Django's
test client with a real login, in one process: what is timed is the server's work, without the network.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

import psycopg

from tests.benchmarks import scale_console_rows as rows
from tests.benchmarks.comparison import Limit, reported
from tests.benchmarks.scale import KEYS, database
from tests.benchmarks.stack import ROOT
from tests.servers import servers

LIST_MS, TIMELINE_MS = 200, 150
"""Server time of any list page and of any timeline."""
TIMES = 5
"""Each page is asked for once to warm up, then so often; the median counts."""


def main(arguments: list[str] | None = None) -> int:
    with servers(durable=True, keep="bench-console") as started:
        print(f"database kept in {started.folder}", flush=True)
        url = database(started, "scale_console")
        environ = dict(os.environ) | KEYS | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        environ |= {"REDIS_URL": started.redis_url}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environ, check=True)
        with psycopg.connect(url, autocommit=True) as connection:
            if connection.execute("SELECT count(*) FROM orders_tenant").fetchone() == (0,):
                print("filling in; this is kept for the next run", flush=True)
                rows.fill(connection)
        command = [sys.executable, "-m", "tests.benchmarks.scale_console", "--measure", *(arguments or [])]
        done = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True)
        return _report(json.loads(done.stdout.splitlines()[-1]), started.versions[0])


def _report(measured: list[list[Any]], version: str) -> int:
    lines = [
        Limit(name, "ms", statistics.median(took), took, "", TIMELINE_MS if kind == "timeline" else LIST_MS, name)
        for name, kind, took in measured
    ]
    print(f"\n{version}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return reported(lines)


def measure(only: str) -> list[tuple[str, str, list[float]]]:
    """In a process of its own: (page, kind, milliseconds of each time)."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    user, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True, "is_superuser": True})
    client = Client()
    client.force_login(user)
    measured = []
    for name, kind, path in _pages():
        if only in name:
            answer = client.get(path)
            if answer.status_code != 200:
                raise AssertionError(f"{path} answered {answer.status_code}")
            measured.append((name, kind, [_milliseconds(client, path) for _ in range(TIMES)]))
            print(f"{name}: {statistics.median(measured[-1][2]):.0f} ms", file=sys.stderr, flush=True)
    return measured


def _milliseconds(client: Any, path: str) -> float:
    started = time.perf_counter()
    client.get(path)
    return (time.perf_counter() - started) * 1000


def _pages() -> list[tuple[str, str, str]]:
    return [*_lists(), *_filters(), *_dead(), *_finds(), *_orders()]


def _lists() -> list[tuple[str, str, str]]:
    from django.contrib import admin
    from django.urls import reverse

    found = [("home", "list", "/admin/"), ("home: a week", "list", "/admin/?period=week")]
    for model in sorted(admin.site._registry, key=lambda one: one._meta.label):
        opts = model._meta
        found.append((f"list: {opts.label}", "list", reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")))
    return found


def _filters() -> list[tuple[str, str, str]]:
    events, deliveries = "/admin/orders/orderevent/", "/admin/orders/delivery/"
    status = ("pending", "applied", "dead", "superseded", "discarded")
    asked = [(f"events: {word}", f"{events}?status={word}") for word in (*status, "overtaken")]
    sent = ("pending", "delivered", "dead", "superseded", "discarded")
    asked += [(f"deliveries: {word}", f"{deliveries}?status={word}") for word in sent]
    asked += [
        ("events: of a tenant", f"{events}?of=2"),
        ("events: of a tenant, dead", f"{events}?of=2&status=dead"),
        ("events: page 200", f"{events}?p=200"),
        ("events: search by order id", f"{events}?q=past-777777"),
        ("events: search for nothing", f"{events}?q=nothing-like-this"),
        ("deliveries: of a tenant", f"{deliveries}?of=2"),
        ("deliveries: of a destination", f"{deliveries}?destination__id__exact=22"),
        ("deliveries: search by reference", f"{deliveries}?q=NO-SUCH-REFERENCE"),
        ("orders: of a tenant", "/admin/orders/order/?of=2"),
        ("orders: search by id", "/admin/orders/order/?q=past-777777"),
        ("orders: search by customer", "/admin/orders/order/?q=c-77777"),
        ("timeline entries: search by order", "/admin/orders/timelineentry/?q=past-777777"),
        ("parts: search by order", "/admin/suppliers/supplierpart/?q=past-777777"),
        ("destination", "/admin/orders/destination/22/change/"),
    ]
    return [(name, "list", path) for name, path in asked]


def _dead() -> list[tuple[str, str, str]]:
    from django.urls import reverse

    from orders.dead_letters.groups import dead_letters

    found = dead_letters(None)
    pages = [("dead letters: by cause", "list", reverse("admin:orders_repairrun_dead"))]
    for group in found.groups[:4]:
        path = reverse("admin:orders_repairrun_group", args=(group.road, group.cause))
        pages.append((f"dead letters: {group.count} of {group.road}: {group.words[:30]}", "list", path))
    overtaken = reverse("admin:orders_repairrun_group", args=("events", "overtaken"))
    return [*pages, (f"dead letters: {found.overtaken} overtaken", "list", overtaken)]


def _finds() -> list[tuple[str, str, str]]:
    from django.urls import reverse

    from orders.models import Delivery, OrderEvent
    from suppliers.models import SupplierPart

    event = OrderEvent.objects.order_by("pk")[123_456]
    delivery = Delivery.objects.exclude(reference="").order_by("pk")[123_456]
    part = SupplierPart.objects.order_by("pk")[123_456]
    texts = {
        "order id": "past-777777", "customer id": "c-77777", "event id": str(event.pk),
        "webhook id": f"msg_{delivery.pk.hex}", "order token": str(part.order_token),
        "correlation id": event.correlation_id, "reference": delivery.reference, "nothing": "no-such-thing",
    }  # fmt: skip
    page = reverse("admin:orders_order_find")
    return [(f"find by {name}", "list", f"{page}?q={text}") for name, text in texts.items()]


def _orders() -> list[tuple[str, str, str]]:
    from django.urls import reverse

    ids = {"applied": 777_777, "with a dead event": 777_800, "with dead deliveries": 777_803}
    return [(f"order {name}", "timeline", reverse("admin:orders_order_change", args=(pk,))) for name, pk in ids.items()]


if __name__ == "__main__":
    given = sys.argv[1:]
    word = given[given.index("--only") + 1] if "--only" in given else ""
    if "--measure" in given:
        print(json.dumps(measure(word)))
    else:
        sys.exit(main(given))
