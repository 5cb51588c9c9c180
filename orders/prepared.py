"""The statements of the hottest requests: prepared once per connection, then run in one call below psycopg's cursors.

Planning such a statement anew costs PostgreSQL as long as running it, and a cursor costs the request more than both:
together a third of a PUT (`make bench ONLY=put`). PostgreSQL only. A statement that a transaction surrounds is part of
it; its errors are Django's, as from a cursor.
"""

from __future__ import annotations

from itertools import count
from typing import Any, cast
from uuid import UUID
from weakref import WeakSet

import psycopg
from django.db import connection
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

Parameter = str | bytes | int | UUID | None


class Prepared:
    """One statement with ``$1, $2, …`` whose types the database infers; bytes are text in UTF-8."""

    _numbers = count(1)

    def __init__(self, sql: str) -> None:
        self._sql = sql.encode()
        self._name = b"hub_%d" % next(self._numbers)
        self._known: WeakSet[psycopg.Connection[Any]] = WeakSet()

    def first_row(self, *parameters: Parameter) -> tuple[str | None, ...] | None:
        """The first row of the answer, each value as the database writes it; None where there is no row."""
        connection.ensure_connection()
        connection.validate_no_broken_transaction()
        postgresql: psycopg.Connection[Any] = connection.connection
        with connection.wrap_database_errors:
            result = self._run(postgresql, [_written(parameter) for parameter in parameters])
        if not result.ntuples:
            return None
        values = (result.get_value(0, column) for column in range(result.nfields))
        return tuple(None if value is None else value.decode() for value in values)

    def _run(self, postgresql: psycopg.Connection[Any], parameters: list[bytes | None]) -> psycopg.pq.abc.PGresult:
        _begin_if_due(postgresql)
        if postgresql not in self._known:
            _checked(postgresql, postgresql.pgconn.prepare(self._name, self._sql))
            self._known.add(postgresql)
        # None is NULL to libpq; the signature leaves it out.
        return _checked(postgresql, postgresql.pgconn.exec_prepared(self._name, cast("list[bytes]", parameters)))


def _begin_if_due(postgresql: psycopg.Connection[Any]) -> None:
    """psycopg opens a transaction with the first statement that it sees itself."""
    if not postgresql.autocommit and postgresql.pgconn.transaction_status == TransactionStatus.IDLE:
        postgresql.execute("SELECT 1")


def _written(parameter: Parameter) -> bytes | None:
    if parameter is None:
        return None
    text = parameter if isinstance(parameter, bytes) else str(parameter).encode()
    if b"\0" in text:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return text


def _checked(postgresql: psycopg.Connection[Any], result: psycopg.pq.abc.PGresult) -> psycopg.pq.abc.PGresult:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    if postgresql.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
