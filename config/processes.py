"""The production processes: refused where they could not keep their promises, then replaced by what they run; forks."""

from __future__ import annotations

import os
import shutil
import sys

from django.core.management.base import CommandError

from config.env import misspelt
from config.settings import ENV
from orders.database import write_behind
from orders.outgoing.session import forget_sessions


def refuse_embedded_default(command: str) -> None:
    """serve, worker and beat share their rows and wakes with other processes: SQLite and no Redis will not do."""
    warn_of_misspelt()
    faults = []
    if ENV.on_sqlite:
        faults.append("DATABASE_URL must be postgres://user:password@host:port/name (SQLite is for `make up` only)")
    if ENV.embedded:
        faults.append("REDIS_URL must be redis://host:port/number (empty is for `make up` only)")
    if faults:
        raise CommandError(f"`{command}` is for production:\n  " + "\n  ".join(faults))


def warn_of_misspelt() -> None:
    """Name ``HUB_`` variables that nothing reads: the value that somebody meant to set has no effect."""
    for sentence in misspelt(dict(os.environ)):
        print(f"Warning: {sentence}", file=sys.stderr, flush=True)


def program(name: str) -> str:
    """A program of this Python's environment."""
    beside = os.path.join(os.path.dirname(sys.executable), name)
    return beside if os.path.exists(beside) else shutil.which(name) or name


def become(command: list[str]) -> None:
    """Replace this process, so that signals and exit codes are the program's own."""
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606  # our own fixed command


def worker_command(queue: str) -> list[str]:
    """Prefork for the inbox, which computes; threads for the outbox, which waits."""
    pool, size = ("prefork", ENV.worker_processes) if queue == "inbound" else ("threads", 2)
    return [
        program("celery"), "-A", "config", "worker", "--queues", queue, "--pool", pool, "--concurrency", str(size),
        "--hostname", f"{queue}@%h", "--without-gossip", "--without-mingle", "--without-heartbeat",
        "--loglevel", "WARNING",
    ]  # fmt: skip


def begin_anew() -> None:
    """All that a forked child must not keep of its parent. Tracing and Redis tell processes apart by their ids,
    Celery and Django close the database's connections."""
    write_behind.forget_all()
    forget_sessions()
