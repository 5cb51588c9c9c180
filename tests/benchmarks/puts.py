"""PUT accepted per second: the whole stack in front of one stored event, against the bare view."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator

import psycopg

from tests.benchmarks.baselines import TABLE
from tests.benchmarks.comparison import Measure
from tests.benchmarks.load import put_request, run_load
from tests.benchmarks.stack import Stack
from tests.bodies import body

CONNECTIONS = 16
SECONDS = 5.0


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


def measure(stack: Stack, hub_port: int, bare_port: int) -> Measure:
    """No worker runs: on shared cores it would take the time of whichever side it serves."""
    token = stack.token(hub_port)

    def hub() -> float:
        return puts(uuid.uuid4().hex[:8], hub_port, token).rate

    def baseline() -> float:
        return puts(uuid.uuid4().hex[:8], bare_port, token).rate

    return Measure(
        name="put",
        unit="PUT/s",
        hub=hub,
        baseline=baseline,
        what="PUT accepted per second through the whole stack, against a bare Django view with one INSERT",
        bar=0.6,
    )


def prepare(stack: Stack) -> None:
    with psycopg.connect(stack.servers.database_url, autocommit=True) as connection:
        connection.execute(TABLE)
