"""What others would use: a procrastinate job per event with a lock per order, a plain Celery task per event.

Both do what applying one event comes to at least: read the document, upsert the order.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import procrastinate
import psycopg
from celery import Celery

TABLES = """
    CREATE TABLE IF NOT EXISTS peer_order (id text PRIMARY KEY, document text NOT NULL);
    CREATE TABLE IF NOT EXISTS peer_done (at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
_local = threading.local()


def _connection() -> psycopg.Connection[Any]:
    """One persistent connection per thread, autocommitting."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return _local.connection


UPSERT = """
    WITH done AS (INSERT INTO peer_done DEFAULT VALUES)
    INSERT INTO peer_order VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""


def apply(body: str) -> None:
    """One statement, one round trip."""
    order = json.loads(body)["customerOrder"]
    _connection().execute(UPSERT, [order["customerOrderId"], json.dumps(order)])


celery_app = Celery("peers", broker=os.environ.get("REDIS_URL"))
celery_app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4)


@celery_app.task(name="peer")
def celery_task(body: str) -> None:
    apply(body)


app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ.get("DATABASE_URL", "")))


@app.task(name="peer")
def procrastinate_task(body: str) -> None:
    apply(body)
