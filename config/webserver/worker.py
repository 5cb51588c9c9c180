"""gunicorn's worker of threads, without its waiting for callers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from gunicorn.http import get_parser
from gunicorn.util import close
from gunicorn.workers.gthread import ThreadWorker

from config.webserver import bounds
from config.webserver.stages import Arrival, Channel, Departure, Leave, Source, Stage

LOOK_SECONDS = 0.05
"""Between two looks whether the new workers are ready: adds nothing to a reload that anybody sees."""
RELOADS, READY = 0, 1
"""Shared by the master and all workers: how many reloads there were; the last one after which a worker was ready."""
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
CRUMBS = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 10\r\n\r\n"


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gives a thread to a request only when all of it has come, and is patient with reloads.

    gunicorn gives each connection a thread, which waits for the request and with the answer without a limit: as many
    callers as there are threads, each silent after half a request, would stop the server. Here the loop waits. It waits
    for callers to close, too, all at once; gunicorn's waits for one after another.

    Asked to go by a reload, it goes when a new worker is ready; asked again, or without a reload, at once. gunicorn
    lets the old workers go as it forks the new ones: until these have loaded the program, PUTs would wait.
    """

    asked = False

    def init_process(self) -> None:
        self.watched: dict[Any, Stage] = {}
        self.held, self.next_look = 0, 0.0
        self.max_keepalived = self.worker_connections // 2  # idle ones leave room for others
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """A new connection, or an old one with its next request."""
        if conn.parser is None:
            conn.sock, conn.close = Channel(conn.sock), partial(self._leave, conn)
            conn.parser = get_parser(self.cfg, Source(b""), conn.client)
            conn.initialized = conn.data_ready = True
        arrival = Arrival(conn.parser.unreader.take_buffered())
        self._watch(conn, arrival, partial(self._start, conn, arrival))

    def _watch(self, conn: Any, stage: Stage, then: Callable[[], None]) -> None:
        conn.sock.setblocking(False)
        self.watched[conn] = stage
        self.held += stage.held
        self._step(conn, stage, then)  # most requests have come whole, and need not be waited for
        if self.watched.get(conn) is stage:
            self.poller.register(conn.sock, stage.event, lambda _: self._step(conn, stage, then))

    def _step(self, conn: Any, stage: Stage, then: Callable[[], None]) -> None:
        before = stage.held
        try:
            over = stage.step(conn.sock)
        except OSError:
            self._drop(conn)
            return
        finally:
            self.held += stage.held - before
        if over:
            self._forget(conn)
            then()
        if self.held > bounds.BYTES_HELD:
            self._make_room()

    def _start(self, conn: Any, arrival: Arrival) -> None:
        if not arrival.received:
            self._end(conn)
            return
        if arrival.is_refused:
            self._refuse(conn)
            return
        conn.parser.unreader.sock = Source(bytes(arrival.received))
        conn.bytes_held = arrival.held
        self.held += conn.bytes_held
        super().enqueue_req(conn)

    def _refuse(self, conn: Any, answer: bytes = CRUMBS) -> None:
        with contextlib.suppress(OSError):  # the caller is gone
            conn.sock.send(answer)
        self.nr_conns -= 1
        self._leave(conn, graceful=True)

    def handle(self, conn: Any) -> bool:
        """In a thread."""
        keep = super().handle(conn)
        unreader = conn.parser.unreader
        unreader.unread(unreader.take_buffered() + unreader.sock.left())
        return bool(keep) and not unreader.sock.is_dry

    def finish_request(self, conn: Any, fs: Any) -> None:
        self.held -= conn.bytes_held
        finish = partial(super().finish_request, conn, fs)
        if conn.sock.unsent:
            self._watch(conn, Departure(conn.sock), finish)
        else:
            finish()

    def _leave(self, conn: Any, graceful: bool = False) -> None:
        """In place of the connection's own close. Its caller has taken it off the count already."""
        self.nr_conns += 1
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # the caller is gone
            graceful = False
        if graceful:
            self._watch(conn, Leave(), partial(self._end, conn))
        else:
            self._end(conn)

    def _end(self, conn: Any) -> None:
        self.nr_conns -= 1
        close(conn.sock)

    def _forget(self, conn: Any) -> None:
        self.held -= self.watched.pop(conn).held
        with contextlib.suppress(KeyError):  # over before it was waited for
            self.poller.unregister(conn.sock)

    def _drop(self, conn: Any, answer: bytes = b"") -> None:
        if self.watched[conn].is_half_request:
            with contextlib.suppress(OSError):  # the caller is gone, or fetches nothing
                conn.sock.send(answer)
        self._forget(conn)
        self._end(conn)

    def _make_room(self) -> None:
        for conn in [conn for conn, stage in self.watched.items() if stage.held > bounds.LARGE]:
            if self.held > bounds.BYTES_HELD:
                self._turn_away(conn)

    def _turn_away(self, conn: Any) -> None:
        """It may be sending still, so it gets time to read why it is refused."""
        if not self.watched[conn].is_half_request:
            self._drop(conn)
            return
        self._forget(conn)
        self._refuse(conn, BUSY)

    def murder_pending(self) -> None:
        """Each turn of gunicorn's loop: closes what is late, and the oldest of those that are too many."""
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + bounds.DEADLINE_LOOK_SECONDS
        silence = self.cfg.keepalive if self.alive else bounds.LEAVE_SECONDS
        slow: Counter[str] = Counter()
        for conn, stage in reversed(list(self.watched.items())):
            if stage.since < now - bounds.SLOW_AFTER:
                slow[conn.client[0]] += 1
                too_many = slow[conn.client[0]] > bounds.SLOW_PER_ADDRESS or slow.total() > self.worker_connections // 4
                if too_many or stage.is_late(now, silence):
                    self._drop(conn, LATE)

    def joins(self, shared: memoryview) -> None:
        self.shared, self.born_after = shared, shared[RELOADS]

    def ready(self) -> None:
        self.shared[READY] = self.born_after

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.asked or self.shared[READY] >= self.shared[RELOADS]:
            super().handle_exit(sig, frame)
            return
        self.asked = True
        threading.Thread(target=self._go_when_replaced, args=(sig,), daemon=True).start()

    def _go_when_replaced(self, sig: int) -> None:
        while self.shared[READY] < self.shared[RELOADS]:
            time.sleep(LOOK_SECONDS)
        super().handle_exit(sig, None)
