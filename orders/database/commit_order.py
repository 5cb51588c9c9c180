"""Rows in an order in which none can appear behind a reader, whenever it commits and whatever a host's clock says.

Every row keeps the number of the transaction that wrote it. PostgreSQL gives these numbers in ascending order and says
which transactions are open: rows of those older than all open ones are there, so a list that ends before the oldest
open one, sorted by (transaction, id), never gains a row in its past. SQLite has one writer at a time; there the number
is always 0 and ids are made inside the writing transaction.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, Func, Min, Q, QuerySet


class CurrentTransaction(Func):
    """The number of the transaction that writes the row, as a column's default in the database."""

    allowed_default = True
    output_field = BigIntegerField()

    template = "0"

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="(pg_current_xact_id()::text::bigint)")


class _NextTransaction(Func):
    """The first number that no transaction visible to the statement can have; PostgreSQL only."""

    template = "(pg_snapshot_xmax(pg_current_snapshot())::text::bigint)"
    output_field = BigIntegerField()


class Place(NamedTuple):
    """Where a row stands in the list: behind all that were committed before it."""

    transaction: int
    row_id: UUID


BEFORE_ALL = Place(0, UUID(int=0))
"""Where a reader of an empty list goes on."""
LAST_TRANSACTION = 2**63 - 1
"""The column's largest number."""
CLOCKS_APART = timedelta(hours=1)
"""Ids are made by a host's clock, times of reception by the database's; never are they this far apart."""
_CURSOR = struct.Struct(">Q16s")


def listed_after(rows: QuerySet[Any], place: Place | None) -> QuerySet[Any]:
    """The settled rows behind a place, in their order: going on from any of them meets every row."""
    if place is not None:
        place = _place_here(place)
        rows = rows.filter(transaction__gte=place.transaction)
        rows = rows.exclude(transaction=place.transaction, pk__lte=place.row_id)
    return settled(rows).order_by("transaction", "pk")


def _place_here(place: Place) -> Place:
    """A place that the server before a restore gave: among the rows of the backup, and an hour back to skip none."""
    if connection.vendor == "sqlite":
        return place
    _, own, following = _horizon()
    if place.transaction < following or place.transaction == own:
        return place
    moment = max((place.row_id.int >> 80) - CLOCKS_APART // timedelta(milliseconds=1), 0)
    return Place(0, UUID(int=moment << 80))


def number_restored(rows: QuerySet[Any], *, owner: str, owners: Iterable[int]) -> int:
    """Bring rows of a backup before all that this server writes; returns how many had to be.

    They carry the numbers of the server that wrote them. Where this one has not come so far, they would be hidden until
    it has, and new rows would appear in front of them. What a statement sees is older than what it takes for the next
    transaction, so that no row of this server is met.
    """
    if connection.vendor == "sqlite":
        return 0
    foreign = rows.filter(transaction__gte=_NextTransaction())
    return sum(foreign.filter(**{owner: one}).update(transaction=0) for one in owners)


def from_moment(rows: QuerySet[Any], moment: datetime, *, column: str) -> QuerySet[Any]:
    """The rows from this moment on, and those that stand behind the first of them though they are older.

    A reader who asks for what came since the newest row it knows then meets also what was received a little earlier
    and committed later. Not for the reader's own clock: going on from a place needs none.
    """
    later = Q(**{f"{column}__gte": moment})
    first = rows.filter(later, pk__gte=_earliest_id(moment)).aggregate(first=Min("transaction"))["first"]
    if first is None:
        return rows.none()
    return rows.filter(later | Q(transaction__gt=first), transaction__gte=first)


def _earliest_id(moment: datetime) -> UUID:
    """The least id that a row of then can have, so that the index by id bounds the scan."""
    milliseconds = int((moment.timestamp() - CLOCKS_APART.total_seconds()) * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def cursor_of(place: Place) -> str:
    """An opaque cursor of 32 characters: where to go on after this place."""
    return base64.urlsafe_b64encode(_CURSOR.pack(place.transaction, place.row_id.bytes)).decode()


def read_cursor(text: str) -> Place:
    """Raises ValueError, in words for the caller, for anything ``cursor_of`` did not write."""
    try:
        number, raw = _CURSOR.unpack(base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True))
        return Place(min(number, LAST_TRANSACTION), UUID(bytes=raw))
    except (ValueError, UnicodeError, struct.error):
        raise ValueError("is not a cursor from an earlier answer's page.next") from None


def page_of(rows: QuerySet[Any], place: Place | None, take: int) -> tuple[list[Any], dict[str, Any]]:
    """The next rows behind a place, and the answer's ``page``, whose ``next`` is always there."""
    found = list(listed_after(rows, place)[: take + 1])
    page = found[:take]
    end = Place(page[-1].transaction, page[-1].pk) if page else place or BEFORE_ALL
    return page, {"take": take, "next": cursor_of(end), "hasMore": len(found) > take}


def settled(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those behind which no row can appear any more: of transactions older than every open one, or of one's own.

    Asks for the horizon in a statement of its own, so that a transaction that ended before it is visible to the next.
    """
    if connection.vendor == "sqlite":
        return rows
    horizon, own, _ = _horizon()
    return rows.filter(Q(transaction__lt=horizon) | Q(transaction=own))


def _horizon() -> tuple[int, int, int]:
    """The oldest transaction of this database that may still write, this session's own (0: it has none), the next.

    Only sessions of this database count: another database of the same server may keep a transaction open for hours.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        following, own, open_ones = cursor.fetchone()
    behind = [(following - number) % WRAP for number in open_ones]
    return following - max((distance for distance in behind if distance < WRAP // 2), default=0), own, following


WRAP = 2**32
"""pg_stat_activity tells transaction numbers without their upper half; all open ones are within half of this."""
_OPEN = """
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
        coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0),
        ARRAY(SELECT backend_xid::text::bigint FROM pg_stat_activity
              WHERE backend_xid IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid())
"""
