"""Django's migrate, safe when started twice at once (contract, section 1): the second waits, then finds nothing due."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from orders.access.staff import ensure_roles

LOCK = 7_161_505_001
"""Any number that no other program of this database uses: the key of the advisory lock."""
POLL_SECONDS = 0.2
"""Asked for again and again: a session that *waits* in pg_advisory_lock holds a snapshot, and an index built
concurrently by the one that has the lock would wait for that snapshot for ever."""


class Command(MigrateCommand):
    """Django's migrate, one at a time: a second one waits for the first and then finds nothing to do.

    Afterwards the staff roles have the permissions of every app at this version.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        with _alone(connections[options["database"]]):
            super().handle(*args, **options)
            looking_only = options["plan"] or options["check_unapplied"]
            if not looking_only and "auth_group" in connections[options["database"]].introspection.table_names():
                ensure_roles()


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Held by the session or the process, so that a killed migration leaves no lock behind."""
    if connection.vendor == "sqlite":
        with _lock_file(str(connection.settings_dict["NAME"])):
            yield
        return
    while not _ask(connection, "pg_try_advisory_lock"):
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        _ask(connection, "pg_advisory_unlock")


def _ask(connection: BaseDatabaseWrapper, function: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


@contextmanager
def _lock_file(database: str) -> Iterator[None]:
    if ":memory:" in database or "mode=memory" in database:
        yield
        return
    with open(f"{database}.migrating", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
