"""The Order Data API's answer and the record of its fetch (domain/scalepoint.md, section 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction

from orders.api.auth import Caller
from orders.documents import load
from orders.models import ApiClient
from orders.problems import UnknownOrder
from suppliers.events import Case, case_in, minted_case
from suppliers.models import SupplierPart
from suppliers.parts import Claim, order_data, split, visible_order

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def part_of(client: ApiClient, order_token: str) -> SupplierPart:
    """The part a token names, compared without case. Another supplier's token is as unknown as no token at all."""
    if _GUID.fullmatch(order_token):
        parts = SupplierPart.objects.select_related("supplier", "tenant")
        part = parts.filter(order_token=UUID(order_token), supplier__api_client=client).first()
        if part is not None:
            return part
    raise UnknownOrder(UNKNOWN)


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A part with all that its answer and the record of its fetch are made of."""

    part: SupplierPart
    document: Mapping[str, Any]
    supplier_name: str
    claims: Sequence[Claim[int]]
    """Of all the tenant's suppliers in their order, as the planner sees them."""
    minted: tuple[UUID, UUID] | None
    """uuid and token of the case minted for the order."""
    told_of: str | None
    """The newest event that named the token, of ``told_sequence``."""
    told_sequence: int | None


def read_part(caller: Caller, order_token: str) -> ReadPart:
    """The part a token names, in one query. Raises UnknownOrder."""
    if not _GUID.fullmatch(order_token):
        raise UnknownOrder(UNKNOWN)
    row = _row(UUID(order_token), caller.client.pk)
    if row is None:
        raise UnknownOrder(UNKNOWN)
    if row["document"] is None:
        raise UnknownOrder("The order is no longer stored.")
    part = SupplierPart(**{name: row[name] for name in _PART}, status_at=_moment(row["status_at"]))
    part.tenant, part.order_token = caller.tenant, UUID(order_token)
    return ReadPart(
        part=part,
        document=load(row["document"]),
        supplier_name=row["supplier_name"],
        claims=[Claim(pk, patterns) for pk, patterns in json.loads(row["claims"])],
        minted=(UUID(str(row["case_uuid"])), UUID(str(row["case_token"]))) if row["case_uuid"] else None,
        told_of=row["told_of"],
        told_sequence=row["told_sequence"],
    )


def _row(order_token: UUID, client_id: int) -> dict[str, Any] | None:
    """On PostgreSQL as a prepared statement: planning six tables anew takes five times as long as reading them."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(_READ.format(claims=_CLAIMS_SQLITE), [order_token.hex, client_id])
            return _named(cursor)
    with _prepared(_READ.format(claims=_CLAIMS), [order_token, client_id]) as cursor:
        return _named(cursor)


@contextmanager
def _prepared(sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
    connection.ensure_connection()
    postgresql: psycopg.Connection[Any] = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(postgresql) as cursor:
        postgresql.prepare_threshold = 0
        try:
            cursor.execute(sql, parameters, prepare=True)
        finally:
            postgresql.prepare_threshold = None
        yield cursor


def _named(cursor: Any) -> dict[str, Any] | None:
    found = cursor.fetchone()
    return None if found is None else dict(zip((column[0] for column in cursor.description), found, strict=True))


def _moment(value: datetime | str | None) -> datetime | None:
    """SQLite gives a time as UTC text."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


_PART = (
    "id", "business_unit_id", "customer_order_id", "supplier_id", "owed_sequence", "status", "status_comment",
)  # fmt: skip
_CLAIMS = """
    (SELECT json_agg(json_build_array(one.id, one.item_patterns) ORDER BY one.position, one.id)::text
     FROM suppliers_supplier AS one WHERE one.tenant_id = part.tenant_id)
"""
_CLAIMS_SQLITE = """
    (SELECT json_group_array(json_array(one.id, json(one.item_patterns)))
     FROM (SELECT * FROM suppliers_supplier ORDER BY position, id) AS one WHERE one.tenant_id = part.tenant_id)
"""
_READ = """
    SELECT part.id, part.business_unit_id, part.customer_order_id, part.supplier_id, part.owed_sequence, part.status,
        part.status_comment, part.status_at, supplier.name AS supplier_name, stored.document, minted.uuid AS case_uuid,
        minted.token AS case_token, notice.event_type AS told_of, notice.sequence AS told_sequence, {claims} AS claims
    FROM suppliers_supplierpart AS part
    JOIN suppliers_supplier AS supplier ON supplier.id = part.supplier_id
    LEFT JOIN orders_order AS stored ON stored.tenant_id = part.tenant_id
        AND stored.business_unit_id = part.business_unit_id AND stored.customer_order_id = part.customer_order_id
    LEFT JOIN suppliers_ordercase AS minted ON minted.tenant_id = part.tenant_id
        AND minted.customer_order_id = part.customer_order_id AND minted.business_unit_id = part.business_unit_id
    LEFT JOIN suppliers_notice AS notice ON notice.part_id = part.id AND notice.sequence = part.owed_sequence
    WHERE part.order_token = %s AND supplier.api_client_id = %s
"""
UNKNOWN = "There is no order with this token for this supplier; use the orderToken of an event."


def answer_for(read: ReadPart) -> dict[str, Any]:
    """What the supplier may read of the order, as it is now. Touches no database."""
    part, document = read.part, read.document
    items = split(document["items"], read.claims).get(part.supplier_id, [])
    visible = visible_order(document, items, business_unit_id=part.business_unit_id)
    return order_data(visible, order_token=part.token, case=_case_of(read), supplier_status=supplier_status(part))


def supplier_status(part: SupplierPart) -> dict[str, str] | None:
    """The newest status the supplier reported of its part."""
    if part.status_at is None:
        return None
    comment = {} if part.status_comment is None else {"comment": part.status_comment}
    return {"status": part.status, **comment, "updatedAt": api_time(part.status_at)}


def record_fetch(read: ReadPart, *, correlation_id: str) -> None:
    """The supplier has what it was told of; a line on the order's timeline says so, and names the event.

    One statement on PostgreSQL, which does not wait for the disk: should the server itself crash, the fetches of the
    last half second count as not made and a person may ask the supplier, no more. SQLite has no writing WITH.
    """
    part = read.part
    event = f"It was told by {read.told_of} of sequence {read.told_sequence}." if read.told_of else ""
    what = f"{read.supplier_name} fetched the order data"
    line: list[Any] = [
        part.tenant_id, part.business_unit_id, part.customer_order_id, what[:200],
        event, correlation_id, part.token,
    ]  # fmt: skip
    if connection.vendor != "sqlite":
        with _prepared(_FETCHED_AND_TOLD, [part.pk, *line]):
            return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FETCHED.replace("CURRENT_TIMESTAMP", _SQLITE_NOW), [part.pk])
        cursor.execute(_TELL, line)


_SQLITE_NOW = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
"""Its CURRENT_TIMESTAMP has no fractions, and a fetch in the second of the event must not seem earlier."""
_FETCHED = """
    UPDATE suppliers_supplierpart SET fetched_at = CURRENT_TIMESTAMP, fetches = fetches + 1, unfetched_since = NULL
    WHERE id = %s
"""
_TELL = """
    INSERT INTO orders_timelineentry
        (tenant_id, business_unit_id, customer_order_id, road, what, detail, correlation_id, reference)
    SELECT %s, %s, %s, 'supplier', %s, %s, %s, %s
"""
_FETCHED_AND_TOLD = f"""
    WITH fetched AS ({_FETCHED}), quick AS (SELECT set_config('synchronous_commit', 'off', true))
    {_TELL} FROM quick
"""  # noqa: S608  # our own two statements


def _case_of(read: ReadPart) -> Case:
    given = case_in(read.document)
    if given is not None:
        return given
    if read.minted is None:
        raise LookupError(f"the order of {read.part.token} has no case and none was minted for it")
    case_uuid, token = read.minted
    case_type = read.part.tenant.case_type
    return minted_case(read.part.customer_order_id, case_uuid=case_uuid, token=token, case_type=case_type)


def api_time(moment: datetime) -> str:
    """As all times of the API: UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
