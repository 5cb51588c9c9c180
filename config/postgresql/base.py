"""Django's PostgreSQL backend with a health check that costs no round trip.

Persistent connections must be checked before each use, or every restart of PostgreSQL costs each thread one failed
request; Django asks the server, which on a PUT is half of all statements. A closed connection announces itself: its
socket has something to read. Only then is the server asked.
"""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """False when the server has gone away since the last use."""
        connection = self.connection
        if connection is None or connection.closed:
            return False
        return is_silent(connection) or super().is_usable()


def is_silent(connection: Any) -> bool:
    """Whether nothing came from the server since the connection's last use, not even that it was closed."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)
