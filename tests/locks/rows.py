"""Which rows a statement that has run locked, as far as its result and its parameters say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.locks.statements import Lock


@cache
def primary_keys() -> dict[str, str]:
    """The column of each table's primary key."""
    from django.apps import apps

    return {model._meta.db_table: model._meta.pk.column for model in apps.get_models(include_auto_created=True)}


@cache
def shared_tables() -> frozenset[str]:
    """A history's rows are locked by the transaction that has made them."""
    return frozenset({"advisory", *(table for table in primary_keys() if "_historical" not in table)})


def rows_of(lock: Lock, sql: str, params: Any, result: Any) -> frozenset[str] | None:
    """The primary keys of the rows, or of more than these; None where the statement does not tell."""
    if lock.verb == "advisory":
        return None
    key = primary_keys()[lock.table]
    if result is not None:
        for column in range(result.nfields):
            if result.fname(column) == key.encode() and result.fformat(column) == 0:
                values = (result.get_value(row, column) for row in range(result.ntuples))
                return frozenset(value.decode() for value in values if value is not None)
    if lock.verb in ("update", "delete") and isinstance(params, Sequence):
        return _named_in_where(lock.table, key, sql, params) or _named_in_array(key, sql, params)
    return None


def _named_in_where(table: str, key: str, sql: str, params: Sequence[Any]) -> frozenset[str] | None:
    """``WHERE "table"."id" = %s`` and ``IN (%s, %s)``."""
    found = re.search(rf'"{table}"\."{key}" (?:= (%s)|IN \(((?:%s(?:, )?)+)\))', sql)
    if found is None or " OR " in sql:
        return None
    first = sql.count("%s", 0, found.start())
    return frozenset(str(value) for value in params[first : first + found.group().count("%s")])


def _named_in_array(key: str, sql: str, params: Sequence[Any]) -> frozenset[str] | None:
    """``WITH done (id, …) AS (SELECT * FROM unnest(%b, …)) UPDATE … WHERE table.id = done.id``."""
    named = re.match(rf"\s*WITH \w+ \({key}\b", sql)
    return frozenset(map(str, params[0])) if named and params and isinstance(params[0], list) else None


def is_in_order(lock: Lock, params: Any) -> bool:
    """Of an insert: its rows are given in ascending order of the columns that decide which rows it meets. One that
    names no such columns (DO NOTHING) is believed.
    """
    if not lock.conflict:
        return True
    places = [lock.columns.index(name) for name in lock.conflict if name in lock.columns]
    if not places or not isinstance(params, Sequence):
        return False
    if all(isinstance(param, list) for param in params[: len(lock.columns)]):
        given = list(zip(*(params[place] for place in places), strict=True))
    else:
        width = len(lock.columns)
        given = [tuple(params[at + place] for place in places) for at in range(0, len(params) - width + 1, width)]
    return given == sorted(given)
