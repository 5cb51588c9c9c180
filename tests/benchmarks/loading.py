"""Orders accepted per second by customer-orders:load, against the same orders as single PUTs."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator

from tests.benchmarks.comparison import Comparison, Measure, compare
from tests.benchmarks.load import run_load
from tests.benchmarks.puts import puts
from tests.benchmarks.stack import Stack
from tests.bodies import body

LINES = 1_000
"""As many as one request takes (docs/reference/api.md#loads)."""
CONNECTIONS = 4
"""A backfill is one program with a few connections; the PUTs it is compared with come over sixteen."""
SECONDS = 2.0


def bench(stacked: Stack) -> list[Comparison]:
    """No worker runs: on shared cores it would take the time of whichever side it serves."""
    with stacked.web() as port:
        token = stacked.token(port)
        measure = Measure(
            name="load",
            unit="orders/s",
            hub=lambda: loads(uuid.uuid4().hex[:8], port, token),
            baseline=lambda: puts(uuid.uuid4().hex[:8], port, token).rate,
            what="orders accepted per second in loads of 1,000 lines, against single PUTs to the same hub",
            bar=5,
        )
        return [compare(measure)]


def loads(run: str, port: int, token: str) -> float:
    """One round of loads of ever new orders; fails when one was refused."""

    def requests(number: int) -> Iterator[bytes]:
        for count in itertools.count():
            yield _request(port, token, [f"{run}-{number}-{count}-{place}" for place in range(LINES)])

    done = run_load(port, requests, connections=CONNECTIONS, seconds=SECONDS)
    assert done.refused == 0, f"{done.refused} loads were refused"
    return done.rate * LINES


def _request(port: int, token: str, orders: list[str]) -> bytes:
    text = b"\n".join(b'{"businessUnitId":"store-1",' + body(order)[1:] for order in orders)
    head = (
        f"POST /api/v1/customer-orders:load HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/x-ndjson\r\nIdempotency-Key: {orders[0]}\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text
