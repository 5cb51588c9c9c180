"""Rows in an order in which none can appear behind a reader, whenever it commits and whatever a host's clock says.

Every row keeps the number of the transaction that wrote it. PostgreSQL gives these numbers in ascending order and says
which transactions are open: rows of those older than all open ones are there, so a list that ends before the oldest
open one, sorted by (transaction, id), never gains a row in its past. SQLite has one writer at a time; there the number
is always 0 and ids are made inside the writing transaction.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Func, Q, QuerySet


class CurrentTransaction(Func):
    """The number of the transaction that writes the row, as a column's default in the database."""

    allowed_default = True
    output_field = BigIntegerField()

    template = "0"

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="(pg_current_xact_id()::text::bigint)")


def settled(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those behind which no row can appear any more: of transactions older than every open one, or of one's own.

    Asks for the horizon in a statement of its own, so that whoever ended before it is visible to the next statement.
    """
    if connection.vendor == "sqlite":
        return rows
    horizon, own = _horizon()
    return rows.filter(Q(transaction__lt=horizon) | Q(transaction=own))


def _horizon() -> tuple[int, int]:
    """The oldest transaction of this database that may still write, and this session's own (0: it has none).

    Only sessions of this database count: another database of the same server may keep a transaction open for hours.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        following, own, open_ones = cursor.fetchone()
    behind = [(following - number) % WRAP for number in open_ones]
    return following - max((distance for distance in behind if distance < WRAP // 2), default=0), own


WRAP = 2**32
"""pg_stat_activity tells transaction numbers without their upper half; all open ones are within half of this."""
_OPEN = """
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
        coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0),
        ARRAY(SELECT backend_xid::text::bigint FROM pg_stat_activity
              WHERE backend_xid IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid())
"""
