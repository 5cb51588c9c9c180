"""Celery's entry points. They take nothing, keep no results and have no retries: the rows say what is pending."""

from __future__ import annotations

import time
from functools import cache

import structlog
from celery import shared_task
from django.db import close_old_connections

from orders.cutover.ledger_hours import CountingLedgers
from orders.cutover.release_work import Releasing
from orders.cutover.sampling import Sampling
from orders.dead_letters.bulk_runs import BulkRuns
from orders.inbox import applying
from orders.integrations import integrations
from orders.integrations.periodic import Periodic
from orders.monitoring.alerting.incidents import Alerting
from orders.outbox import dispatcher
from orders.queueing.claims import LANES, QUEUES, due_groups
from orders.queueing.wake_ups import publish, wake_inbound
from orders.retention import expired_rows
from orders.retention.history import RemovingHistory

log = structlog.get_logger("orderhub.periodic")
TURN_SECONDS = 5.0
"""How long one drain task goes on before it makes room for another; it leaves a wake behind."""


@shared_task(name="orders.tasks.drain")
def drain() -> None:
    """Apply due order queues until nothing is due."""
    close_old_connections()
    until = time.monotonic() + TURN_SECONDS
    while applying.drain():
        if time.monotonic() > until:
            wake_inbound()
            return


@shared_task(name="orders.tasks.deliver")
def deliver() -> None:
    """Send pending deliveries until nothing is due."""
    close_old_connections()
    dispatcher.deliver()


@shared_task(name="orders.tasks.sweep")
def sweep() -> None:
    """Wake whatever is due or whose lease ran out: the certain path behind every lost wake."""
    close_old_connections()
    wake_what_is_due()


@shared_task(name="orders.tasks.periodic")
def periodic() -> None:
    """Do the periodic work that is due: the core's, and the integrations' such as polling a partner."""
    close_old_connections()
    run_periodic_work()


@shared_task(name="orders.tasks.housekeeping")
def housekeeping() -> None:
    """Remove what has run out: tokens, spent assertions, answered loads, counts that no chart shows."""
    close_old_connections()
    expired_rows.remove_expired()


def wake_what_is_due() -> None:
    """The certain path: every second, whatever is due gets a worker, whether its wake-up was lost, its retry has come
    or its worker died. Two sweeps at once do no harm; there is one on either Celery queue, so that what is due to one
    pool is found also while the other is busy or away."""
    if due_groups(QUEUES):
        publish("inbound")
    if due_groups(LANES):
        publish("outbound")
    if any(work.due() for work in periodic_work()):
        publish("outbound", task="orders.tasks.periodic")


@cache
def periodic_work() -> tuple[Periodic, ...]:
    """The core's own first, then the integrations'."""
    core = (RemovingHistory(), Alerting(), BulkRuns(), Releasing(), Sampling(), CountingLedgers())
    return (*core, *(work for one in integrations() for work in one.periodic_work()))


def run_periodic_work() -> None:
    """A fault of one must not keep the others from their turn."""
    for work in periodic_work():
        try:
            if work.due():
                work.run()
        except Exception as error:  # logged; the next sweep tries again
            log.error("periodic work failed inside the hub", work=type(work).__name__, exc_info=error)
