"""The Celery application. Tasks only process rows sooner: all pending work is in rows (orders.tasks)."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready

from config.broker import use_for_redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

use_for_redis()
app = Celery("orderhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.worker_consumer = "config.consumer:WakeConsumer"
app.autodiscover_tasks()


def write_figures(**kwargs: object) -> None:
    """In the process that works: with threads the worker itself, else each of its children."""
    from orders.telemetry import counters

    counters.start()


def write_last_figures(**kwargs: object) -> None:
    """A child of the pool ends without what other processes do at their end."""
    from orders.telemetry import counters

    counters.write()


worker_ready.connect(write_figures)
worker_process_init.connect(write_figures)
worker_process_shutdown.connect(write_last_figures)
