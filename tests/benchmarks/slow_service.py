"""An external service that answers every read with the same order after a while, and costs the machine next to nothing.

    python -m tests.benchmarks.slow_service PORT MILLISECONDS

The simulated OMS has a thread for each call: with some hundred callers it would take as much of the cores as the hub.
"""

from __future__ import annotations

import asyncio
import sys

ORDER = (
    b'{"customerOrder":{"customerOrderId":"seed-1","customerId":"c-1","status":"CREATED",'
    b'"items":[{"itemId":"BEAN-1","quantityOrdered":2,"unitPrice":4.50}]}}'
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ORDER), ORDER)


class Service(asyncio.Protocol):
    """One connection; its requests have no body."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._received = seconds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            self._received = self._received.partition(b"\r\n\r\n")[2]
            asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)  # type: ignore[attr-defined]  # a connection's transport writes


async def serve(port: int, seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Service(seconds), "127.0.0.1", port, backlog=1024)
    print("listens", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]) / 1000))
