"""The engine where it hurts: one hot order, a PUT of an order that is being applied, latency at half rate, fairness."""

from __future__ import annotations

import itertools
import statistics
import time
import uuid
from collections.abc import Iterator

from tests.benchmarks.applying import Applying
from tests.benchmarks.comparison import ROUNDS, Floor, Limit
from tests.benchmarks.load import Connection, Round, put_request, run_load
from tests.benchmarks.puts import puts
from tests.benchmarks.stack import Stack
from tests.bodies import body
from tests.processes import wait_until

HOT_BAR = 5_000
"""Events of one order applied per second."""
BACKFILL_ORDERS = 100_000
LIVE_PUTS = 20
"""In each round."""
PAUSE_SECONDS = 0.05


def bench_hot(stacked: Stack) -> list[Floor]:
    applying = Applying(stacked)
    with stacked.worker("inbound"), stacked.beat():
        rates = [applying.rate(orders=1) for _ in range(ROUNDS)]
    return [Floor("apply-hot", "events/s", rates, HOT_BAR, "20,000 events of one order applied per second")]


def bench_contended(stacked: Stack) -> list[Limit]:
    """PUTs of the very orders that two workers are applying from a backlog."""
    applying, worst, tail = Applying(stacked), [], []
    with stacked.web() as port, stacked.worker("inbound"), stacked.beat():
        token = stacked.token(port)
        for _ in range(ROUNDS):
            run = applying.fill(orders=200, events=20_000)
            applying.activate(True)
            done = _put_into(run, port, token, orders=200, seconds=2.0)
            wait_until(applying.nothing_due, seconds=120)
            worst.append(max(done.latencies) * 1000)
            tail.append(done.percentile(0.99) * 1000)
    what = "a PUT of an order that is being applied"
    return [
        Limit("put-contended-max", "ms", statistics.median(worst), worst, "", 100, f"{what}, the longest"),
        Limit("put-contended-p99", "ms", statistics.median(tail), tail, "", 20, f"{what}, p99"),
    ]


def _put_into(run: str, port: int, token: str, *, orders: int, seconds: float) -> Round:
    def requests(number: int) -> Iterator[bytes]:
        for count in itertools.count():
            order = f"{run}-{1 + (count * 7 + number) % orders}"
            path = f"/api/v1/business-units/store-1/customer-orders/{order}"
            yield put_request(f"127.0.0.1:{port}", path, body(order, customer=f"late-{count}"), token)

    return run_load(port, requests, connections=1, seconds=seconds)


def bench_latency(stacked: Stack) -> list[Limit]:
    """From reception to applied, at half the rate that the whole stack with its workers takes at most."""
    applying, middle, tail = Applying(stacked), [], []
    with stacked.web() as port, stacked.worker("inbound"), stacked.beat():
        token = stacked.token(port)
        most = puts("warm", port, token, seconds=2.0).rate
        for number in range(ROUNDS):
            wait_until(applying.nothing_due, seconds=120)
            applying.empty()
            _put_steadily(f"half-{number}", port, token, rate=most / 2, seconds=2.0)
            wait_until(applying.nothing_due, seconds=120)
            p50, p99 = applying.latencies()
            middle.append(p50 * 1000)
            tail.append(p99 * 1000)
    what = f"PUT to applied at half the maximum rate ({most / 2:,.0f}/s)"
    return [
        Limit("put-applied-p50", "ms", statistics.median(middle), middle, "", 50, f"{what}, p50"),
        Limit("put-applied-p99", "ms", statistics.median(tail), tail, "", 500, f"{what}, p99"),
    ]


def _put_steadily(run: str, port: int, token: str, *, rate: float, seconds: float) -> None:
    """At a fixed rate over four connections, however long each answer takes."""
    connections = [Connection(port) for _ in range(4)]
    started = time.perf_counter()
    for count in range(int(rate * seconds)):
        order = f"{run}-{count}"
        path = f"/api/v1/business-units/store-1/customer-orders/{order}"
        status = connections[count % 4].ask(put_request(f"127.0.0.1:{port}", path, body(order), token))
        assert status == 202
        time.sleep(max(0.0, started + (count + 1) / rate - time.perf_counter()))
    for connection in connections:
        connection.close()


def bench_fairness(stacked: Stack) -> list[Limit]:
    """Single PUTs of one tenant while two workers apply 100,000 orders of another."""
    backfill = Applying(stacked, tenant="backfill")
    with stacked.web() as port, stacked.worker("inbound"), stacked.beat():
        token, run = stacked.token(port), uuid.uuid4().hex[:6]
        backfill.fill(orders=BACKFILL_ORDERS, events=BACKFILL_ORDERS)
        backfill.activate(True)
        for number in range(ROUNDS * LIVE_PUTS):
            _put_steadily(f"{run}-{number // LIVE_PUTS}-{number}", port, token, rate=1000, seconds=0.001)
            time.sleep(PAUSE_SECONDS)
        still = not backfill.nothing_due()
        wait_until(backfill.nothing_due, seconds=300)
        worst = [1000 * backfill.latencies(tenant="bench", run=f"{run}-{number}-")[1] for number in range(ROUNDS)]
    what = f"a single PUT applied during another tenant's backfill (which was {'not ' * (not still)}still going on)"
    return [Limit("fairness-p99", "ms", statistics.median(worst), worst, "", 1000, what)]
