"""The web process's database connections: shared by its threads, so that one that waits for a partner holds none.

The pool is Django's own (psycopg_pool), with the check of ``config.postgresql.base`` in place of a round trip. It is
set in web processes alone: workers have few threads, each of which uses its connection all the time.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from psycopg import Connection
from psycopg_pool import ConnectionPool

from config.postgresql.base import is_silent

WAIT_SECONDS = 10.0
"""For a connection; then the request is answered 503. Twice what a first connection may take (``connect_timeout``)."""
IDLE_SECONDS = 600.0
"""A connection that was not needed for so long is closed."""


def share_connections(most: int) -> None:
    """From here on the threads of this process share ``most`` connections. Nothing where the database is SQLite."""
    if connections["default"].vendor != "postgresql":
        return
    connections.close_all()
    connections.settings["default"]["CONN_MAX_AGE"] = 0  # what is closed at a request's end goes back to the pool
    connections.settings["default"]["OPTIONS"]["pool"] = {"max_size": most}
    wrapper: Any = connections["default"]  # its types know nothing of pools
    wrapper._connection_pools[wrapper.alias] = ConnectionPool(
        kwargs=wrapper.get_connection_params() | {"autocommit": True},
        configure=wrapper._configure_connection,
        check=check,
        open=False,
        min_size=0,
        max_size=most,
        timeout=WAIT_SECONDS,
        max_idle=IDLE_SECONDS,
    )


def check(connection: Connection[Any]) -> None:
    """Raises when the server has gone away since the connection's last use."""
    if not is_silent(connection):
        ConnectionPool.check_connection(connection)
