"""Which errors of the database mean that another transaction was in the way, and how long workers wait for locks.

The order in which locks are taken is in docs/design/locks.md.
"""

from __future__ import annotations

from django.db import OperationalError, connection

WORKER_LOCK_SECONDS = 1.0
"""A worker's wait for one row: far beyond what the hub holds a row, and PostgreSQL's own deadlock_timeout."""
IN_THE_WAY = frozenset({"40P01", "40001", "55P03"})
"""PostgreSQL's states for a deadlock, a serialization failure and lock_timeout."""
TOO_LONG = "57014"
"""PostgreSQL's state for a statement that was cancelled: statement_timeout, or a person with pg_cancel_backend."""
SAFE_TO_REPEAT = frozenset({"40P01", "40001"})
"""The transaction was chosen as the one to be rolled back; the same again may well succeed at once."""


def was_in_the_way(error: OperationalError) -> bool:
    """Whether another transaction stopped this one; the connection is well."""
    return _state(error) in IN_THE_WAY


def took_too_long(error: OperationalError) -> bool:
    """Whether a statement was cancelled because it ran too long; the connection is well, less work may succeed."""
    return _state(error) == TOO_LONG


def may_be_repeated(error: OperationalError) -> bool:
    """Whether the same transaction may be tried again at once."""
    return _state(error) in SAFE_TO_REPEAT and not connection.in_atomic_block


def limit_lock_waits(seconds: float = WORKER_LOCK_SECONDS) -> None:
    """For the current transaction: a row that is held longer raises instead of holding up everything else."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(seconds * 1000)}ms"])


def _state(error: OperationalError) -> str:
    return str(getattr(error.__cause__, "sqlstate", "") or "")
