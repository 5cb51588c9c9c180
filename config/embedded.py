"""The embedded mode: Celery's worker and scheduler as threads of the web process, on the in-memory transport.

The in-memory transport lives and dies with the process; the rows in the database are what is owed, so a kill at any
moment loses nothing and the next start's first sweep goes on.
"""

from __future__ import annotations

import threading

from celery.beat import EmbeddedService

from config.celery import app
from orders.sweep import sweep

INBOUND_THREADS = 1
"""SQLite has one writer at a time; a second drain would only wait for the first."""
OUTBOUND_THREADS = 2
"""One courier, and one place for the wake that nudges it; the courier has its own threads for waiting."""


def start() -> None:
    """Start the two workers and the scheduler; they end with the process."""
    for queue, threads in (("inbound", INBOUND_THREADS), ("outbound", OUTBOUND_THREADS)):
        worker = app.WorkController(
            hostname=f"{queue}@embedded",
            pool_cls="threads",
            concurrency=threads,
            queues=[queue],
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        )
        threading.Thread(target=worker.start, name=f"worker-{queue}", daemon=True).start()
    scheduler = EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler")
    scheduler.daemon = True
    scheduler.start()
    sweep()
