"""One fetch of the Order Data API: what it reads and the record of it (docs/reference/supplier-events.md#order-data).

The supplier then has everything it was notified of; a line on the order's timeline says so and names the event. Reading
and recording are one statement on PostgreSQL, whose commit does not wait for the disk: if the server crashes, the
fetches of the last half second are not recorded, and the only consequence is that an operator may ask the supplier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from orders.database.prepared import Prepared
from orders.documents import load
from orders.models import ApiClient
from orders.values.problems import UnknownOrder
from suppliers.models import SupplierPart
from suppliers.order_data.parts import Claim
from suppliers.webhooks.events import guid

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
UNKNOWN = "There is no order with this token for this supplier; use the orderToken of an event."


def part_of(client: ApiClient, order_token: str) -> SupplierPart:
    """The part a token names, compared without case. Another supplier's token is as unknown as no token at all."""
    if _GUID.fullmatch(order_token):
        parts = SupplierPart.objects.select_related("supplier", "tenant")
        part = parts.filter(order_token=UUID(order_token), supplier__api_client=client).first()
        if part is not None:
            return part
    raise UnknownOrder(UNKNOWN)


@dataclass(frozen=True, slots=True)
class FetchedPart:
    """A part with all that its answer is made of."""

    supplier_id: int
    business_unit_id: str
    customer_order_id: str
    order_token: UUID
    document: Mapping[str, Any]
    claims: Sequence[Claim[int]]
    """Of the tenant's suppliers in their order, as the planner sees them, up to this one."""
    minted: tuple[UUID, UUID] | None
    """uuid and token of the case minted for the order."""
    status: str
    status_comment: str | None
    status_at: datetime | None


def fetch_part(client: ApiClient, order_token: str, *, correlation_id: str) -> FetchedPart:
    """Read the part a token names and put the fetch on record. Raises UnknownOrder; then nothing is on record."""
    if not _GUID.fullmatch(order_token):
        raise UnknownOrder(UNKNOWN)
    token = UUID(order_token)
    fetch = _fetch_sqlite if connection.vendor == "sqlite" else _FETCH.first_row
    row = fetch(token, client.pk, guid(token), correlation_id)
    if row is None:
        raise UnknownOrder(UNKNOWN)
    return _fetched(token, row)


def _fetched(token: UUID, row: Sequence[Any]) -> FetchedPart:
    supplier_id, unit, order, document, claims, case_uuid, case_token, status, comment, status_at = row
    if document is None:
        raise UnknownOrder("The order is no longer stored.")
    return FetchedPart(
        supplier_id=int(supplier_id),
        business_unit_id=unit,
        customer_order_id=order,
        order_token=token,
        document=load(document),
        claims=[Claim(pk, patterns) for pk, patterns in msgspec.json.decode(claims)],
        minted=(UUID(case_uuid), UUID(case_token)) if case_uuid else None,
        status=status,
        status_comment=comment,
        status_at=None if status_at is None else _moment(status_at),
    )


def _moment(written: str | datetime) -> datetime:
    """A time as the database gives it; SQLite leaves out that it is UTC."""
    moment = datetime.fromisoformat(str(written))
    return moment.replace(tzinfo=moment.tzinfo or UTC)


_COLUMNS = """
    part.supplier_id, part.business_unit_id, part.customer_order_id, stored.document, {claims} AS claims,
    minted.uuid AS case_uuid, minted.token AS case_token, part.status, part.status_comment, part.status_at
"""
_TABLES = """
    suppliers_supplierpart AS part
    JOIN suppliers_supplier AS supplier ON supplier.id = part.supplier_id
    LEFT JOIN orders_order AS stored ON stored.tenant_id = part.tenant_id
        AND stored.business_unit_id = part.business_unit_id AND stored.customer_order_id = part.customer_order_id
    LEFT JOIN suppliers_ordercase AS minted ON minted.tenant_id = part.tenant_id
        AND minted.customer_order_id = part.customer_order_id AND minted.business_unit_id = part.business_unit_id
    LEFT JOIN suppliers_notice AS notice ON notice.part_id = part.id AND notice.sequence = part.owed_sequence
"""
_LINE = """
    'supplier', substr(supplier.name || ' fetched the order data', 1, 200),
    coalesce('It was notified by ' || notice.event_type || ' of sequence ' || notice.sequence || '.', '')
"""
"""Source, what and detail of the timeline entry: the newest event that named the token."""
_TIMELINE = """
    orders_timelineentry
        (tenant_id, business_unit_id, customer_order_id, road, what, detail, reference, correlation_id)
"""
_UP_TO_IT = "(one.position, one.id) <= (supplier.position, supplier.id)"
"""Of the tenant's suppliers: a line is the first one's that claims it, so who comes later takes none of this one's."""
_CLAIMS = f"""
    (SELECT json_agg(json_build_array(one.id, one.item_patterns) ORDER BY one.position, one.id)
     FROM suppliers_supplier AS one WHERE one.tenant_id = part.tenant_id AND {_UP_TO_IT})
"""  # noqa: S608  # our own text
_FETCH = Prepared(f"""
    WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)),
    found AS (
        SELECT part.id, part.tenant_id, part.owed_sequence, {_COLUMNS.format(claims=_CLAIMS)},
            ARRAY[{_LINE}] AS line
        FROM quick, {_TABLES} WHERE part.order_token = $1 AND supplier.api_client_id = $2
    ),
    fetched AS (
        UPDATE suppliers_supplierpart AS part SET fetched_at = CURRENT_TIMESTAMP, fetches = part.fetches + 1,
            unfetched_since = CASE WHEN part.owed_sequence <> found.owed_sequence THEN part.unfetched_since END
        FROM found WHERE part.id = found.id AND found.document IS NOT NULL
    ),
    notified AS (
        INSERT INTO {_TIMELINE} SELECT tenant_id, business_unit_id, customer_order_id, line[1], line[2], line[3], $3, $4
        FROM found WHERE document IS NOT NULL
    )
    SELECT supplier_id, business_unit_id, customer_order_id, document, claims, case_uuid, case_token, status,
        status_comment, status_at FROM found
""")  # noqa: S608  # our own text
"""An event required while the part was read stays unfetched."""

_CLAIMS_SQLITE = f"""
    (SELECT json_group_array(json_array(one.id, json(one.item_patterns)))
     FROM (SELECT * FROM suppliers_supplier ORDER BY position, id) AS one
     WHERE one.tenant_id = part.tenant_id AND {_UP_TO_IT})
"""  # noqa: S608  # our own text
_WHICH = "WHERE part.order_token = %s AND supplier.api_client_id = %s"
_READ = f"SELECT {_COLUMNS.format(claims=_CLAIMS_SQLITE)} FROM {_TABLES} {_WHICH}"  # noqa: S608  # our own text
_SQLITE_NOW = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
"""Its CURRENT_TIMESTAMP has no fractions, and a fetch in the second of the event must not seem earlier."""
_RECORD = f"""
    UPDATE suppliers_supplierpart SET fetched_at = {_SQLITE_NOW}, fetches = fetches + 1, unfetched_since = NULL
    WHERE order_token = %s
"""  # noqa: S608  # our own text
_TELL = f"""
    INSERT INTO {_TIMELINE} SELECT part.tenant_id, part.business_unit_id, part.customer_order_id, {_LINE}, %s, %s
    FROM {_TABLES} {_WHICH}
"""  # noqa: S608  # our own text


def _fetch_sqlite(token: UUID, client_id: int, reference: str, correlation_id: str) -> tuple[Any, ...] | None:
    """SQLite has no writing WITH: the same in one IMMEDIATE transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_READ, [token.hex, client_id])
        row: tuple[Any, ...] | None = cursor.fetchone()
        if row is not None and row[3] is not None:
            cursor.execute(_RECORD, [token.hex])
            cursor.execute(_TELL, [reference, correlation_id, token.hex, client_id])
    return row
