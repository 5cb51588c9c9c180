"""The database's clock. Due times and leases are written and compared by it, never by the clock of a host."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

RECENT_SECONDS = 1.0
"""Two machines' clocks part by far less than a millisecond in this time."""
_recent = threading.local()


class DatabaseClock:
    """Read once from the database, then carried on by this process's monotonic clock for the length of a batch.

    Never ahead of the database, by a round trip at most behind it: what is made due now is due for the next claim.
    """

    def __init__(self) -> None:
        self._then = _database_now()
        self._read_at = time.monotonic()

    @classmethod
    def recent(cls) -> DatabaseClock:
        """This thread's clock, read anew after RECENT_SECONDS: for loops that would ask all the time."""
        clock: DatabaseClock | None = getattr(_recent, "clock", None)
        if clock is None or time.monotonic() - clock._read_at > RECENT_SECONDS:
            clock = _recent.clock = cls()
        return clock

    def now(self, plus: float = 0.0) -> datetime:
        """The database's time, ``plus`` seconds."""
        return self._then + timedelta(seconds=time.monotonic() - self._read_at + plus)


def _database_now() -> datetime:
    if connection.vendor == "sqlite":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
