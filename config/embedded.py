"""The embedded mode: Celery's worker and scheduler as threads of the web process, on the in-memory transport.

The in-memory transport lives and dies with the process; the database rows keep all pending work, so a kill at any
moment loses nothing. The next start ends the leases of the process that died, and its first sweep finds the work.
"""

from __future__ import annotations

import threading

from celery.beat import EmbeddedService

from config.celery import app
from orders.queueing.claims import LANES, QUEUES, expire_leases
from orders.tasks import wake_what_is_due

THREADS = 4
"""One for the dispatcher (its send pool has its own threads), one for the wake-up task, two for the inbox;
more would only wait for SQLite's one writer."""


def start() -> None:
    """Start the worker and the scheduler; they end with the process."""
    worker = app.WorkController(
        hostname="worker@embedded",
        pool_cls="threads",
        concurrency=THREADS,
        queues=["inbound", "outbound"],
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )
    threading.Thread(target=worker.start, name="worker", daemon=True).start()
    scheduler = EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler")
    scheduler.daemon = True
    scheduler.start()
    expire_leases(QUEUES)
    expire_leases(LANES)
    wake_what_is_due()
