"""Rows in an order in which none can appear behind a reader, whenever it commits and whatever a host's clock says.

Every row keeps the number of the transaction that wrote it. PostgreSQL gives these numbers in ascending order, and a
snapshot knows the oldest transaction that may still be open: rows of older ones are all there, so a list that ends
before that one, sorted by (transaction, id), never gains a row in its past. SQLite has one writer at a time; there the
number is always 0 and ids are made inside the writing transaction.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, F, Func, Q, QuerySet


class CurrentTransaction(Func):
    """The number of the transaction that writes the row, as a column's default in the database."""

    allowed_default = True
    output_field = BigIntegerField()

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, list[Any]]:
        return "0", []

    def as_postgresql(self, *args: Any, **kwargs: Any) -> tuple[str, list[Any]]:
        return "(pg_current_xact_id()::text::bigint)", []


def settled(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those behind which no row can appear any more: of transactions older than every open one, or of one's own."""
    if connection.vendor == "sqlite":
        return rows
    return rows.alias(oldest_open=OldestOpen(), own=Own()).filter(
        Q(transaction__lt=F("oldest_open")) | Q(transaction=F("own"))
    )


class OldestOpen(Func):
    template = "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
    output_field = BigIntegerField()


class Own(Func):
    template = "(pg_current_xact_id_if_assigned()::text::bigint)"
    output_field = BigIntegerField()
