"""gunicorn's settings for `make serve` and, with the worker and scheduler in the same process, for `make up`.

Nothing of the hub is imported here: the master would keep it, and a HUP would start new workers with old code.
"""

import importlib
import mmap
import os
import signal
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from config.webserver import bounds, stages, worker

for module in (bounds, stages, worker):
    importlib.reload(module)  # the master reads this file again at a HUP, but would keep the old worker

bind = f"{os.environ.get('HUB_BIND', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104  # docs/reference/commands.md#processes
embedded = not os.environ.get("REDIS_URL")
workers = 1 if embedded else int(os.environ.get("HUB_WEB_PROCESSES") or 2)
threads = int(os.environ.get("HUB_WEB_THREADS") or 640)
keepalive = 75  # longer than a proxy in front keeps its connections (60 s), so that none is closed under a request
graceful_timeout = 30  # as long as the longest proxied read
sendfile = False  # its thread would wait for the caller
timeout = 60  # of a worker that sends no heartbeat; requests have limits of their own
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  # gunicorn's heartbeat file, in memory
control_socket_disable = True
forwarded_allow_ips = ""  # config.forwarded judges X-Forwarded-*; by default gunicorn believes loopback
accesslog = None
loglevel = "warning"

worker_class = worker.PatientWorker


def pre_fork(server: Any, worker: Any) -> None:
    worker.joins(server.hub_shared)


def on_reload(server: Any) -> None:
    server.hub_shared[worker.RELOADS] += 1


def post_worker_init(worker: Any) -> None:
    """Figures are written from here on. Embedded mode: the worker and the scheduler live in the web process."""
    from django.conf import settings
    from django.urls import get_resolver

    from config.postgresql.shared import share_connections
    from orders.telemetry import counters

    _ = get_resolver().url_patterns  # loads every view; else the first caller would wait for it
    share_connections(settings.HUB_DATABASE_CONNECTIONS)
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
    req._expected_100_continue = False  # config.webserver.stages sent 100 Continue already; gunicorn would do so again


def on_starting(server: Any) -> None:
    """Under `make up`: end when the process that started us has ended, however it ended."""
    server.hub_shared = memoryview(mmap.mmap(-1, 16)).cast("q")
    parent = os.environ.get("HUB_UP_PARENT")
    if parent:
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
