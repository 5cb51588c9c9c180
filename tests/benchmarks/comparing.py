"""Proxied reads that are compared with stored copies, against those of a tenant that is not migrating."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from tests.benchmarks.comparison import Comparison, Limit, Measure, compare
from tests.benchmarks.load import run_load
from tests.benchmarks.proxied import (
    CLIENT_SECRET,
    CONNECTIONS,
    LOAD_SECONDS,
    get_request,
    onboard,
    order_service,
    outward,
)
from tests.benchmarks.stack import ROOT, Stack

ORDERS = 50
"""As many as the order service is seeded with."""
DIFFERING = 10
"""One stored copy in so many differs, so that differences are written too."""

STORE = """
import django; django.setup()
from orders.inbox import applying
from orders.inbox.bulk_reception import Received, accept_all
from orders.onboarding.mode_change import switch_mode
from orders.models import Tenant
from orders.simulators.wire import write_json
from proxy.simulator.server import seeded_order
from django.db import transaction
tenant = switch_mode(Tenant.objects.get(slug="{slug}"), "migrating", who="bench")
orders = [seeded_order(number) for number in range(1, {orders} + 1)]
for order in orders[::{differing}]:
    order["status"] = "ELSEWHERE"
def received(order):
    body = b'{{"customerOrder":' + write_json(order).encode() + b"}}"
    return Received("store-1", order["customerOrderId"], body)
with transaction.atomic():
    accept_all([received(order) for order in orders], tenant_id=tenant.pk, client_id=None, correlation_id="bench")
while applying.drain():
    pass
"""
COUNTED = """
import django; django.setup()
from orders.models import ComparisonHour
print(sum(row.matched + row.stale + row.wrong + row.dropped for row in ComparisonHour.objects.all()))
"""


def bench(stacked: Stack) -> list[Comparison | Limit]:
    """The order service is the same for both, and so is the hub; only the tenant's mode differs."""
    with ExitStack() as running:
        oms = running.enter_context(order_service(stacked))
        ours = outward(stacked)
        for slug in ("bench-comparing", "bench-proxying"):
            onboard(ours, slug, oms)
        _python(ours, STORE.format(slug="bench-comparing", orders=ORDERS, differing=DIFFERING))
        hub = running.enter_context(ours.web())
        comparing, proxying = (_headers(ours, hub, f"bench-{name}") for name in ("comparing", "proxying"))
        measure = Measure(
            name="proxied-get-comparing",
            unit="GET/s",
            hub=lambda: _gets(hub, comparing),
            baseline=lambda: _gets(hub, proxying),
            what="proxied reads per second of a tenant whose reads are compared with stored copies, against the same "
            "of a tenant that is not migrating",
            bar=0.9,
        )
        lines = [compare(measure)]
        counted = int(_python(ours, COUNTED))
        assert counted, "nothing was compared"
        print(f"  proxied-get-comparing: {counted:,} reads compared")
        return lines


def _gets(port: int, headers: dict[str, str]) -> float:
    """All seeded orders in turn, each connection from another one on."""

    def requests(number: int) -> Iterator[bytes]:
        for count in itertools.count(number):
            path = f"/api/v1/business-units/store-1/customer-orders/seed-{count % ORDERS + 1}"
            yield get_request(path, **headers)

    done = run_load(port, requests, connections=CONNECTIONS, seconds=LOAD_SECONDS)
    assert done.refused == 0, f"{done.refused} GETs were refused"
    return done.rate


def _headers(stacked: Stack, port: int, slug: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {stacked.token(port, client_id=slug, secret=CLIENT_SECRET)}"}


def _python(stacked: Stack, program: str) -> str:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=stacked.environ, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout
