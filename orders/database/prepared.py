"""The statements of the hottest requests: prepared once per connection, then run in one call below psycopg's cursors.

Planning such a statement anew costs PostgreSQL as long as running it, and a cursor costs the request more than both:
together a third of a PUT (`make bench ONLY=put`). With psycopg's own prepared statements a PUT takes the hub 15 % more
processor time, and behind a pooler they would have to be switched off: their names are numbers, which two clients of
one server connection use for two statements. PostgreSQL only. A statement that a transaction surrounds is part of it;
its errors are Django's, as from a cursor.

A pooler in transaction mode may send each call to another server connection, and a server may forget what it prepared.
So a name is made of its statement's text, whichever client prepared it; and where the server does not know the name,
nothing has run yet and the statement runs unprepared.
"""

from __future__ import annotations

import hashlib
from typing import Any, cast
from uuid import UUID
from weakref import WeakSet

import psycopg
from django.db import connection
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

Parameter = str | bytes | int | UUID | None
GONE, OUTDATED = b"26000", b"0A000"
"""PostgreSQL's states for a prepared statement that does not exist, and for one whose result has other types since."""
KNOWN_ALREADY = b"42P05"
"""PostgreSQL's state where another client of a pooler prepared the statement on this server connection."""


class Prepared:
    """One statement with ``$1, $2, …`` whose types the database infers; bytes are text in UTF-8."""

    def __init__(self, sql: str) -> None:
        self._sql = sql.encode()
        self._name = b"hub_" + hashlib.sha256(self._sql).hexdigest().encode()[:32]
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

    def _run(self, postgresql: psycopg.Connection[Any], parameters: list[bytes | None]) -> PGresult:
        """Prepared only where a failure undoes nothing else: outside a transaction."""
        _begin_if_due(postgresql)
        given = cast("list[bytes]", parameters)  # None is NULL to libpq; the signature leaves it out
        if postgresql.pgconn.transaction_status == TransactionStatus.IDLE:
            self._prepare(postgresql)
            result = postgresql.pgconn.exec_prepared(self._name, given)
            if _state(result) not in (GONE, OUTDATED):
                return _checked(postgresql, result)
            self._forget(postgresql, result)
        return _checked(postgresql, postgresql.pgconn.exec_params(self._sql, given))

    def _prepare(self, postgresql: psycopg.Connection[Any]) -> None:
        if postgresql not in self._known:
            result = postgresql.pgconn.prepare(self._name, self._sql)
            if _state(result) != KNOWN_ALREADY:
                _checked(postgresql, result)
            self._known.add(postgresql)

    def _forget(self, postgresql: psycopg.Connection[Any], result: PGresult) -> None:
        """The next call prepares it anew."""
        self._known.discard(postgresql)
        if _state(result) == OUTDATED:
            postgresql.pgconn.close_prepared(self._name)


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


def _state(result: PGresult) -> bytes | None:
    return result.error_field(DiagnosticField.SQLSTATE)


def _checked(postgresql: psycopg.Connection[Any], result: PGresult) -> PGresult:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    if postgresql.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
