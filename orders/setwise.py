"""Many rows in one statement, the same text on PostgreSQL and SQLite: ``VALUES`` lists with adapted values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.db import connection, models

SQLITE_PARAMETERS = 900
"""SQLite's historical limit on parameters of one statement is 999."""


def adapted(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows of Python values as the database driver wants them, per the model's fields."""
    fields = [cast("models.Field[Any, Any]", model._meta.get_field(name)) for name in names]
    return [
        [field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=True)] for row in rows
    ]


def values_list(rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """``(%s, %s), (%s, %s)`` and its parameters."""
    line = "(" + ", ".join(["%s"] * len(rows[0])) + ")"
    return ", ".join([line] * len(rows)), [value for row in rows for value in row]


def execute(sql: str, rows: Sequence[Sequence[Any]], *, after: Sequence[Any] = ()) -> int:
    """Run ``sql`` with ``{values}`` replaced by the rows; returns how many rows it touched."""
    touched = 0
    for part in _parts(rows):
        values, parameters = values_list(part)
        with connection.cursor() as cursor:
            cursor.execute(sql.format(values=values), [*parameters, *after])
            touched += _touched(cursor)
    return touched


def _touched(cursor: Any) -> int:
    """Rows of the last statement; sqlite3 does not count for a statement that begins with WITH."""
    if connection.vendor != "sqlite":
        return int(cursor.rowcount)
    cursor.execute("SELECT changes()")
    return int(cursor.fetchone()[0])


def fetch(sql: str, rows: Sequence[Sequence[Any]], *, after: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The same for a statement that returns rows."""
    found: list[tuple[Any, ...]] = []
    for part in _parts(rows):
        values, parameters = values_list(part)
        with connection.cursor() as cursor:
            cursor.execute(sql.format(values=values), [*parameters, *after])
            found.extend(cursor.fetchall())
    return found


def _parts(rows: Sequence[Sequence[Any]]) -> Iterable[Sequence[Sequence[Any]]]:
    if not rows:
        return ()
    if connection.vendor != "sqlite":
        return (rows,)
    size = max(1, SQLITE_PARAMETERS // len(rows[0]))
    return (rows[start : start + size] for start in range(0, len(rows), size))
