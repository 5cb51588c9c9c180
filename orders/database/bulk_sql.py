"""Many rows in one statement, the same text on PostgreSQL and SQLite.

``{rows}`` in the text becomes ``SELECT * FROM unnest(…)`` over one array per column on PostgreSQL (few parameters, so
the driver has little to parse however many rows there are) and a ``VALUES`` list on SQLite, which has no arrays:

    WITH done (id, changed) AS ({rows}) UPDATE … FROM done …        INSERT INTO … (…) {rows} ON CONFLICT …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import psycopg
from django.db import connection, models

SQLITE_PARAMETERS = 900
"""SQLite's historical limit on parameters of one statement is 999."""

Rows = Sequence[Sequence[Any]]


class Columns:
    """The columns of the rows to be written, by a model's field names: knows how the driver wants their values."""

    def __init__(self, model: type[models.Model], *names: str) -> None:
        self._fields = [cast("models.Field[Any, Any]", model._meta.get_field(name)) for name in names]

    def adapted(self, row: Sequence[Any]) -> list[Any]:
        """One row's values as the database in use takes them."""
        return [_adapted(field, value) for field, value in zip(self._fields, row, strict=True)]

    def execute(self, sql: str, rows: Rows, *, after: Sequence[Any] = ()) -> int:
        """Run ``sql`` over the rows, with the adapted parameters ``after`` them; returns how many rows it touched."""
        touched = 0
        for text, parameters in self._statements(sql, rows):
            with _cursor() as cursor:
                cursor.execute(text, [*parameters, *after])
                touched += _row_count(cursor)
        return touched

    def fetch(self, sql: str, rows: Rows, *, after: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The same for a statement that returns rows."""
        found: list[tuple[Any, ...]] = []
        for text, parameters in self._statements(sql, rows):
            with _cursor() as cursor:
                cursor.execute(text, [*parameters, *after])
                found.extend(cursor.fetchall())
        return found

    def _statements(self, sql: str, rows: Rows) -> Iterable[tuple[str, list[Any]]]:
        if not rows:
            return
        if connection.vendor != "sqlite":
            yield sql.format(rows=self._unnest()), self._arrays(rows)
            return
        size = max(1, SQLITE_PARAMETERS // len(self._fields))
        for start in range(0, len(rows), size):
            part = [self.adapted(row) for row in rows[start : start + size]]
            line = "(" + ", ".join(["%s"] * len(self._fields)) + ")"
            yield sql.format(rows="VALUES " + ", ".join([line] * len(part))), [value for row in part for value in row]

    def _unnest(self) -> str:
        arrays = ", ".join(f"%b::{_postgresql_type(field)}[]" for field in self._fields)
        return f"SELECT * FROM unnest({arrays})"  # noqa: S608  # types of our own columns

    def _arrays(self, rows: Rows) -> list[Any]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        for place, field in enumerate(self._fields):
            if isinstance(field, models.JSONField):
                columns[place] = [_adapted(field, value) for value in columns[place]]
        return columns


@contextmanager
def _cursor() -> Iterator[Any]:
    """On PostgreSQL psycopg's own cursor: it sends arrays in binary, where Django's writes them out as quoted text."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def _adapted(field: models.Field[Any, Any], value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


@cache
def _postgresql_type(field: models.Field[Any, Any]) -> str:
    """The column's type without its length: a cast to a shorter one would cut silently where an insert refuses."""
    named = str(field.db_type(connection))
    return "text" if named.startswith("varchar") else named


def _row_count(cursor: Any) -> int:
    """Rows of the last statement; sqlite3 does not count for a statement that begins with WITH."""
    if connection.vendor != "sqlite":
        return int(cursor.rowcount)
    cursor.execute("SELECT changes()")
    return int(cursor.fetchone()[0])
