"""Faults of PostgreSQL, which has everything: restarted, killed, cut off, full, too slow."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.chaos.faults import Scene, Skipped, fault

FULL_BYTES = 48 * 2**20
LEFT_BYTES = 64 * 2**10
STATEMENT_MS = 300
LOCKED_SECONDS = 1.0
CONNECTIONS_MOST = 400


@fault("postgres-restart")
def restart_postgres(scene: Scene) -> None:
    """PostgreSQL restarted (fast shutdown) every four seconds."""
    scene.every(4.0, scene.stack.servers.postgres.restart)


@fault("postgres-kill")
def kill_postgres(scene: Scene) -> None:
    """SIGKILL to PostgreSQL with all its processes; started again three seconds later, with recovery."""
    scene.stack.servers.postgres.kill()
    time.sleep(3)
    scene.stack.servers.postgres.start()


@fault("connections-cut")
def cut_connections(scene: Scene) -> None:
    """Every connection of the hub cut (pg_terminate_backend) twice a second."""
    scene.every(0.5, scene.cut_connections)


@fault("connection-limit")
def use_up_connections(scene: Scene) -> None:
    """The limit of connections reached by others, and the hub's own connections cut."""
    with ExitStack() as others:
        for _ in range(2):
            with contextlib.suppress(psycopg.OperationalError):
                for _ in range(CONNECTIONS_MOST):
                    connection = others.enter_context(contextlib.closing(scene.connect()))
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'orderhub'"
            )
        scene.lasts()


@fault("statement-timeout")
def time_statements_out(scene: Scene) -> None:
    """statement_timeout 300 ms while somebody locks the tables of orders and queues for a second, again and again."""
    scene.sql(f"ALTER DATABASE hub SET statement_timeout = '{STATEMENT_MS}ms'")
    scene.cut_connections()
    try:
        scene.every(0.5, lambda: _lock(scene))
    finally:
        scene.sql("ALTER DATABASE hub RESET statement_timeout")
        scene.cut_connections()


def _lock(scene: Scene) -> None:
    with psycopg.connect(scene.stack.servers.database_url) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute("LOCK TABLE orders_order, orders_orderqueue IN SHARE ROW EXCLUSIVE MODE")
        time.sleep(LOCKED_SECONDS)


@fault("disk-full")
def fill_the_disk(scene: Scene) -> None:
    """The disk that holds the events is full (a small tmpfs as their tablespace); then there is room again."""
    with _small_disk(scene) as disk:
        scene.sql(
            f"CREATE TABLESPACE small LOCATION '{disk}'",
            "ALTER TABLE orders_orderevent SET (autovacuum_enabled = false)",
            "VACUUM FULL orders_orderevent",  # or new rows would find room where old ones were
            "ALTER TABLE orders_orderevent SET TABLESPACE small",
        )
        try:
            ballast = disk.parent / "ballast"
            _fill(ballast)
            scene.lasts()
            ballast.unlink()
        finally:
            scene.sql(
                "ALTER TABLE orders_orderevent SET TABLESPACE pg_default",
                "ALTER TABLE orders_orderevent RESET (autovacuum_enabled)",
                "DROP TABLESPACE small",
            )


@contextmanager
def _small_disk(scene: Scene) -> Iterator[Path]:
    """A folder on a disk of its own, owned by the server's user."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Skipped("mounting a small disk takes root on Linux")
    account = scene.stack.servers.postgres.account
    folder = Path(tempfile.mkdtemp(prefix="orderhub-disk-", dir=scene.stack.servers.folder))
    command = ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES},mode=0755", "orderhub-chaos", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        folder.rmdir()
        raise Skipped(f"a small disk cannot be mounted here ({done.stderr.strip()[:80]})")
    try:
        disk = folder / "events"
        disk.mkdir(mode=0o700)
        for each in (folder, disk):
            os.chown(each, account.uid, account.gid)
        yield disk
    finally:
        subprocess.run(["umount", str(folder)], check=False)
        folder.rmdir()


def _fill(ballast: Path) -> None:
    room = os.statvfs(ballast.parent)
    left = room.f_bavail * room.f_frsize - LEFT_BYTES
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        file.write(b"\0" * max(0, left))
