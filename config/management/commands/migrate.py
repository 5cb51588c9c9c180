"""Django's migrate, safe when started twice at once (contract, section 1): the second waits, then finds nothing due."""

from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections

LOCK = 7_161_505_001
"""Any number that no other program of this database uses: the key of the advisory lock."""


class Command(MigrateCommand):
    """Django's migrate, one at a time: a second one waits for the first and then finds nothing to do."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            super().handle(*args, **options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
