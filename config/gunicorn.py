"""gunicorn's settings for `make serve` and, with the worker and scheduler in the same process, for `make up`."""

import os
import signal
import threading
import time
from typing import Any
from urllib.parse import urlsplit

bind = f"{os.environ.get('HUB_BIND', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104  # contract: serve
embedded = not os.environ.get("REDIS_URL")
workers = 1 if embedded else int(os.environ.get("HUB_WEB_PROCESSES") or 2)
threads = int(os.environ.get("HUB_WEB_THREADS") or 16)
worker_class = "gthread"
keepalive = 75
graceful_timeout = 30
timeout = 60
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  # gunicorn's heartbeat file, in memory
control_socket_disable = True
forwarded_allow_ips = ""  # config.forwarded judges X-Forwarded-*; by default gunicorn believes loopback
accesslog = None
loglevel = "warning"


def post_worker_init(worker: object) -> None:
    """Figures are written from here on. Embedded mode: the worker and the scheduler live in the web process."""
    from orders.watch import tally

    tally.start()
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


def on_starting(server: object) -> None:
    """Under `make up`: end when the process that started us is gone, however it went."""
    parent = os.environ.get("HUB_UP_PARENT")
    if parent:
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
