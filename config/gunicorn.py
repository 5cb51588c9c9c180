"""gunicorn's settings for `make serve` and, with the worker and scheduler in the same process, for `make up`.

Nothing of the hub is imported here: the master would keep it, and a HUP would start new workers with old code.
"""

import contextlib
import mmap
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from gunicorn.workers.gthread import ThreadWorker

bind = f"{os.environ.get('HUB_BIND', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104  # contract: serve
embedded = not os.environ.get("REDIS_URL")
workers = 1 if embedded else int(os.environ.get("HUB_WEB_PROCESSES") or 2)
threads = int(os.environ.get("HUB_WEB_THREADS") or 16)
keepalive = 75  # longer than a proxy in front keeps its connections (60 s), so that none is closed under a request
graceful_timeout = 30  # as long as the longest proxied read
timeout = 60  # of a worker that says nothing at all; requests have limits of their own
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  # gunicorn's heartbeat file, in memory
control_socket_disable = True
forwarded_allow_ips = ""  # config.forwarded judges X-Forwarded-*; by default gunicorn believes loopback
accesslog = None
loglevel = "warning"

LOOK_SECONDS = 0.05
"""Between two looks whether the new workers are ready: adds nothing to a reload that anybody sees."""
SLOWEST_REQUEST = 60.0
"""Seconds in which a request must have come whole; a megabyte over a slow line takes far less."""
RELOADS, READY = 0, 1
"""Shared by the master and all workers: how many reloads there were; the last one after which a worker was ready."""


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Patient with reloads, and with callers up to a bound.

    Asked to go by a reload, it goes when a new worker is ready; asked again, or without a reload, at once. gunicorn
    lets the old workers go as it forks the new ones: until these have loaded the program, PUTs would wait.

    A request that drips in, or whose sender went away without a word, would keep its thread for ever: gunicorn waits
    for it without a limit. After SLOWEST_REQUEST nothing more is read of it, and what it asked for is not done.
    """

    asked = False
    slowest_request = SLOWEST_REQUEST

    def watch(self) -> None:
        self.began: dict[Any, float] = {}
        threading.Thread(target=self._end_slow_requests, daemon=True).start()

    def handle(self, conn: Any) -> Any:
        self.began[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            del self.began[conn]

    def _end_slow_requests(self) -> None:
        while True:
            time.sleep(self.slowest_request / 10)
            latest = time.monotonic() - self.slowest_request
            for conn, began in list(self.began.items()):
                if began < latest:
                    with contextlib.suppress(OSError):  # it went away meanwhile
                        conn.sock.shutdown(socket.SHUT_RD)

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


worker_class = PatientWorker


def pre_fork(server: Any, worker: PatientWorker) -> None:
    worker.joins(server.hub_shared)


def post_fork(server: object, worker: PatientWorker) -> None:
    worker.watch()


def on_reload(server: Any) -> None:
    server.hub_shared[RELOADS] += 1


def post_worker_init(worker: PatientWorker) -> None:
    """Figures are written from here on. Embedded mode: the worker and the scheduler live in the web process."""
    from django.urls import get_resolver

    from orders.telemetry import counters

    _ = get_resolver().url_patterns  # loads every view; else the first caller would wait for it
    worker.ready()
    counters.start()
    if embedded:
        from config.embedded import start

        start()


def pre_request(worker: object, req: Any) -> None:
    """One host per request (RFC 9112, section 3.2): HTTP/1.1 names it, and an absolute address names no other."""
    from gunicorn.http.errors import InvalidHeader

    named = [value.lower() for name, value in req.headers if name == "HOST"]
    addressed = "" if req.uri.startswith("/") else urlsplit(req.uri).netloc.lower()
    if (not named and req.version >= (1, 1)) or (addressed and [addressed] != named):
        raise InvalidHeader("HOST", req=req)


def on_starting(server: Any) -> None:
    """Under `make up`: end when the process that started us is gone, however it went."""
    server.hub_shared = memoryview(mmap.mmap(-1, 16)).cast("q")
    parent = os.environ.get("HUB_UP_PARENT")
    if parent:
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
