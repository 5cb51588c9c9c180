"""A webhook receiver that costs next to nothing: ``python -m tests.benchmarks.receiver PORT [PORT …]``.

Every POST is answered 202 at once. ``GET /count`` says how many came since ``GET /reset``, with the seconds from the
first to the last. After ``GET /hang`` POSTs are left without an answer; ``GET /release`` cuts them and answers again.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class Endpoint:
    """One port."""

    def __init__(self) -> None:
        self.count, self.first, self.last, self.hangs = 0, 0.0, 0.0, False
        self.held: set[asyncio.Transport] = set()

    def take(self, transport: asyncio.Transport) -> None:
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.count += 1
        if self.hangs:
            self.held.add(transport)
        else:
            transport.write(ACCEPTED)

    def control(self, word: str) -> dict[str, float]:
        if word in ("reset", "release", "hang"):
            self.count, self.first, self.last, self.hangs = 0, 0.0, 0.0, word == "hang"
            for transport in self.held:
                transport.abort()
            self.held.clear()
        return {"count": self.count, "seconds": self.last - self.first}


class Reader(asyncio.Protocol):
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint, self._data = endpoint, b""

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            if head.startswith(b"GET"):
                self._data = rest
                self._answer(head.split(b" ", 2)[1].decode().strip("/"))
                continue
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._endpoint.take(self._transport)

    def _answer(self, word: str) -> None:
        body = json.dumps(self._endpoint.control(word)).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def serve(ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    for port in ports:
        endpoint = Endpoint()
        await loop.create_server(lambda endpoint=endpoint: Reader(endpoint), "127.0.0.1", port)
    print("receiver listens", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve([int(port) for port in sys.argv[1:]]))
