"""PUT accepted per second: the whole stack in front of one stored event, against the bare view."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from functools import partial

import psycopg

from tests.benchmarks.baselines import TABLE
from tests.benchmarks.comparison import Comparison, Measure, compare_all
from tests.benchmarks.load import put_request, run_load
from tests.benchmarks.stack import Stack
from tests.bodies import body

CONNECTIONS = 16
SECONDS, ROUNDS = 1.2, 5
"""Short and many: what else runs on the machine meets both sides alike."""


def puts(run: str, port: int, token: str, *, connections: int = CONNECTIONS, seconds: float = SECONDS):
    """One round of PUTs of ever new orders; fails when one was refused."""

    def requests(number: int) -> Iterator[bytes]:
        for count in itertools.count():
            order = f"{run}-{number}-{count}"
            path = f"/api/v1/business-units/store-1/customer-orders/{order}"
            yield put_request(f"127.0.0.1:{port}", path, body(order), token)

    done = run_load(port, requests, connections=connections, seconds=seconds)
    assert done.refused == 0, f"{done.refused} PUTs were refused"
    return done


def bench(stacked: Stack) -> list[Comparison]:
    """No worker runs: on shared cores it would take the time of whichever side it serves."""
    prepare(stacked)
    with stacked.web() as hub, stacked.baseline() as bare, stacked.baseline("middleware") as behind:
        token = stacked.token(hub)
        sides = [partial(_rate, port, token) for port in (hub, bare, behind)]
        what = "PUT accepted per second through the whole stack, against a bare Django view with one INSERT"
        measures = [
            Measure("put", "PUT/s", sides[0], sides[1], f"{what} and no middleware", 0.6),
            Measure("put-same-middleware", "PUT/s", sides[0], sides[2], f"{what} behind the hub's own middleware", 0.6),
        ]
        return compare_all(measures, rounds=ROUNDS)


def _rate(port: int, token: str) -> float:
    return puts(uuid.uuid4().hex[:8], port, token).rate


def prepare(stack: Stack) -> None:
    with psycopg.connect(stack.servers.database_url, autocommit=True) as connection:
        connection.execute(TABLE)
