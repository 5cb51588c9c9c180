"""Django's SQLite backend with a file that only its owner reads: it holds customers' names and addresses.

SQLite gives the files beside it (``-wal``, ``-shm``) the mode of the database.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base

PRIVATE = 0o600


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        if not self.is_in_memory_db():
            _make_private(str(conn_params["database"]))
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        return connection


def _make_private(path: str) -> None:
    """Before SQLite would make it readable to all, and where an earlier release did; never a device such as /dev/null,
    whose mode is the whole machine's."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
        for file in (path, f"{path}-wal", f"{path}-shm"):
            if os.path.isfile(file) and os.stat(file).st_mode & 0o077:
                os.chmod(file, PRIVATE)
    except OSError:
        return  # not ours, or not there to be made: SQLite says what is the matter
