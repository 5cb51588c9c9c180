"""Django's migrate, safe when started twice at once (docs/reference/commands.md#processes): the second waits."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from orders.access.staff import ensure_roles
from orders.database.commit_order import number_restored
from orders.models import Delivery, Destination, OrderEvent, Tenant

LOCK = 7_161_505_001
"""Any number that no other program of this database uses: the key of the advisory lock."""
POLL_SECONDS = 0.2
"""Asked for again and again: a transaction that *waits* for the lock holds a snapshot, and an index built concurrently
by the one that has the lock would wait for that snapshot for ever."""


BEFORE_THE_FIRST_RELEASE = ("orders", "0001_the_core_rows")
"""The first migration of databases that were made before each app had one initial migration."""


class Command(MigrateCommand):
    """Django's migrate, one at a time: a second one waits for the first and then finds nothing to do.

    Afterwards the staff roles have the permissions of every app at this version, and rows of a backup are in order.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        with _alone(connections[options["database"]]):
            refuse_older_than_the_first_release(connections[options["database"]])
            super().handle(*args, **options)
            looking_only = options["plan"] or options["check_unapplied"]
            if not looking_only and "auth_group" in connections[options["database"]].introspection.table_names():
                ensure_roles()
            if not looking_only and not options["app_label"]:
                bring_restored_rows_forward()


def refuse_older_than_the_first_release(connection: BaseDatabaseWrapper) -> None:
    """Raises CommandError, before anything is changed."""
    if BEFORE_THE_FIRST_RELEASE in MigrationRecorder(connection).applied_migrations():
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} was made before release 1.0 and cannot be brought to "
            "this version; nothing was changed. Export its tenants in the console of the version that made it ("
            "Onboarding file, Export), make an empty database (for make up: move var/hub.sqlite3 "
            "away), migrate it, and apply the exported file."
        )


def bring_restored_rows_forward() -> None:
    """What a backup brought from another server, so that lists go on where they stood."""
    number_restored(OrderEvent.objects.all(), owner="tenant", owners=Tenant.objects.values_list("pk", flat=True))
    places = Destination.objects.values_list("pk", flat=True)
    number_restored(Delivery.objects.all(), owner="destination", owners=places)


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Held by a transaction or the process, so that a killed migration leaves no lock behind."""
    if connection.vendor == "sqlite":
        with _lock_file(str(connection.settings_dict["NAME"])):
            yield
        return
    keeper = connection.copy()
    try:
        keeper.set_autocommit(False)
        while not _locked(keeper):
            keeper.rollback()
            time.sleep(POLL_SECONDS)
        yield
    finally:
        keeper.close()


def _locked(keeper: BaseDatabaseWrapper) -> bool:
    """Of a connection of its own: a pooler keeps a server connection for a transaction, not for a session.

    Idle until the migrations are through, however long they take, the transaction holds no snapshot.
    """
    with keeper.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


@contextmanager
def _lock_file(database: str) -> Iterator[None]:
    if ":memory:" in database or "mode=memory" in database:
        yield
        return
    with open(f"{database}.migrating", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
