"""Celery's entry points. They take nothing, keep no results and have no retries: the rows say what is owed."""

from __future__ import annotations

import time

from celery import shared_task
from django.db import close_old_connections

from orders.inbox import applying
from orders.integrations.periodic import run_due
from orders.outbox import dispatcher
from orders.queueing import sweep as sweeping
from orders.queueing.wake_ups import wake_inbound
from orders.retention import expired_rows as chores

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
    """Send what is owed to partners until nothing is due."""
    close_old_connections()
    dispatcher.deliver()


@shared_task(name="orders.tasks.sweep")
def sweep() -> None:
    """Wake whatever is due or whose lease ran out: the certain path behind every lost wake."""
    close_old_connections()
    sweeping.sweep()


@shared_task(name="orders.tasks.periodic")
def periodic() -> None:
    """Do what apps do by themselves every so often, such as polling a partner."""
    close_old_connections()
    run_due()


@shared_task(name="orders.tasks.housekeeping")
def housekeeping() -> None:
    """Remove what has run out: tokens, spent assertions, answered loads, counts that no chart shows."""
    close_old_connections()
    chores.remove_expired()
