"""A load generator that costs little: keep-alive sockets, requests built beforehand, answers hardly parsed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 30


@dataclass
class Round:
    """What one round of load came to. Latencies in seconds."""

    seconds: float = 0.0
    answers: int = 0
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def put_request(host: str, path: str, body: bytes, token: str) -> bytes:
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> int:
        """Send one request, read its whole answer, return the status."""
        self._socket.sendall(request)
        data = self._socket.recv(65536)
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        lowered = head.lower()
        if b"content-length:" in lowered:
            length = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += self._more()
        elif b"chunked" in lowered:
            while not body.endswith(b"0\r\n\r\n"):
                body += self._more()
        return int(head[9:12])

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        assert data, "the server closed the connection in the middle of an answer"
        return data

    def close(self) -> None:
        self._socket.close()


def run_load(port: int, requests: Callable[[int], Iterator[bytes]], *, connections: int, seconds: float) -> Round:
    """Every connection asks its own stream of requests, one after the other, until the time is up."""
    result, lock, barrier = Round(), threading.Lock(), threading.Barrier(connections + 1)
    until = [0.0]

    def work(number: int) -> None:
        connection, stream = Connection(port), requests(number)
        latencies, refused = [], 0
        barrier.wait()
        now = time.perf_counter()
        while now < until[0]:
            status = connection.ask(next(stream))
            then, now = now, time.perf_counter()
            latencies.append(now - then)
            refused += status >= 400
        connection.close()
        with lock:
            result.latencies += latencies
            result.answers += len(latencies) - refused
            result.refused += refused

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    until[0] = started + seconds
    barrier.wait()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - started
    return result
