"""The database: everything the hub promises rests on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config.doctor.findings import Finding, warning, well, wrong

OLDEST_POSTGRESQL = 14_00_00
"""The oldest release that Django 5.2 supports."""
SLOW_SECONDS = 0.02
"""A PUT is one round trip; beyond this it is most of the time a caller waits."""
SKEW_SECONDS = 5.0
"""Due times are the database's own, but tokens and signatures live by the host's clock; partners allow 60 s or more."""
LONG_SECONDS = 60
"""Dead rows pile up behind an open transaction: 100,000 of them made a claim take 29 ms in place of 0.5."""


def reachable() -> Iterator[Finding]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            started = time.perf_counter()
            cursor.execute("SELECT 1")
            seconds = time.perf_counter() - started
    except DatabaseError as error:
        step = "Start it, or correct DATABASE_URL. Until then every PUT is refused; nothing accepted is lost."
        yield wrong("database", f"does not answer: {str(error).strip().splitlines()[0]}", step)
        return
    said = f"{connection.vendor} {_version()}, round trip {seconds * 1000:.1f} ms"
    if connection.vendor == "postgresql" and connection.cursor().connection.info.server_version < OLDEST_POSTGRESQL:
        yield wrong("database", said, "Upgrade it to PostgreSQL 14 or newer.")
    elif seconds > SLOW_SECONDS:
        yield warning("database", said, "It is far away or busy. Move it closer, or see docs/measured/scaling.md.")
    else:
        yield well("database", said)


def _version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]


def schema() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:5])
        more = f" and {len(plan) - 5} more" if len(plan) > 5 else ""
        yield wrong("schema", f"not migrated: {names}{more}", "Run make migrate; the running hub may go on meanwhile.")
    else:
        yield well("schema", "up to date")


def clock() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        yield well("clock", "SQLite uses the host's clock")
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = (datetime.now(UTC) - cursor.fetchone()[0]).total_seconds()
    said = f"this host is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the database"
    if abs(skew) > SKEW_SECONDS:
        yield wrong("clock", said, "Set both by a time server: tokens and webhook signatures carry the host's time.")
    else:
        yield well("clock", said)


def transactions() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - xact_start)::int"
            " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND xact_start < clock_timestamp() - make_interval(secs => %s) ORDER BY xact_start LIMIT 5",
            [LONG_SECONDS],
        )
        rows = cursor.fetchall()
    for pid, name, seconds in rows:
        said = f"a transaction of {name or 'an unnamed program'} (process {pid}) is open for {seconds} s"
        yield warning(
            "transactions", said, f"Claiming slows down behind it. End it: SELECT pg_terminate_backend({pid});"
        )
    if not rows:
        yield well("transactions", f"none is open for more than {LONG_SECONDS} s")


def connections() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        used, most = cursor.fetchone()
    said = f"{used} of {most} connections are used"
    if used > most * 0.8:
        step = "Raise max_connections, or lower HUB_DATABASE_CONNECTIONS, HUB_WEB_PROCESSES or HUB_WORKER_PROCESSES."
        yield warning("connections", said, step)
    else:
        yield well("connections", said)
