"""The Order Data API's answer and the record of its fetch (domain/scalepoint.md, section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from orders.api.auth import Caller
from orders.documents import load
from orders.models import ApiClient
from orders.problems import UnknownOrder
from suppliers.events import Case, case_in
from suppliers.models import OrderCase, Supplier, SupplierPart
from suppliers.parts import Claim, Item, order_data, split, visible_order
from suppliers.planner import case_of_row

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def part_of(client: ApiClient, order_token: str) -> SupplierPart:
    """The part a token names, compared without case. Another supplier's token is as unknown as no token at all."""
    if _GUID.fullmatch(order_token):
        parts = SupplierPart.objects.select_related("supplier", "tenant")
        part = parts.filter(order_token=UUID(order_token), supplier__api_client=client).first()
        if part is not None:
            return part
    raise UnknownOrder(UNKNOWN)


def read_part(caller: Caller, order_token: str) -> ReadPart:
    """The part a token names with what its answer is made of, in one query. Raises UnknownOrder."""
    if not _GUID.fullmatch(order_token):
        raise UnknownOrder(UNKNOWN)
    token = SupplierPart._meta.get_field("order_token").get_db_prep_value(UUID(order_token), connection)
    found: Any = next(iter(SupplierPart.objects.raw(_READ, [token, caller.client.pk])), None)
    if found is None:
        raise UnknownOrder(UNKNOWN)
    found.tenant = caller.tenant
    if found.document is None:
        raise UnknownOrder("The order is no longer stored.")
    return ReadPart(found, found.document, found.supplier_name, found.told_of, found.told_sequence)


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A part, its order's document, its supplier's name, and the newest event that named its token."""

    part: SupplierPart
    document: str
    supplier_name: str
    told_of: str | None
    told_sequence: int | None


_READ = """
    SELECT part.*, supplier.name AS supplier_name, stored.document, notice.event_type AS told_of,
        notice.sequence AS told_sequence
    FROM suppliers_supplierpart AS part
    JOIN suppliers_supplier AS supplier ON supplier.id = part.supplier_id
    LEFT JOIN orders_order AS stored ON stored.tenant_id = part.tenant_id
        AND stored.business_unit_id = part.business_unit_id AND stored.customer_order_id = part.customer_order_id
    LEFT JOIN suppliers_notice AS notice ON notice.part_id = part.id AND notice.sequence = part.owed_sequence
    WHERE part.order_token = %s AND supplier.api_client_id = %s
"""
UNKNOWN = "There is no order with this token for this supplier; use the orderToken of an event."


def answer_for(read: ReadPart) -> dict[str, Any]:
    """What the supplier may read of the order, as it is now."""
    part, document = read.part, load(read.document)
    visible = visible_order(document, _items_of(part, document), business_unit_id=part.business_unit_id)
    return order_data(
        visible, order_token=part.token, case=_case_of(part, document), supplier_status=supplier_status(part)
    )


def supplier_status(part: SupplierPart) -> dict[str, str] | None:
    """The newest status the supplier reported of its part."""
    if part.status_at is None:
        return None
    comment = {} if part.status_comment is None else {"comment": part.status_comment}
    return {"status": part.status, **comment, "updatedAt": api_time(part.status_at)}


def record_fetch(read: ReadPart, *, correlation_id: str) -> None:
    """The supplier has what it was told of; a line on the order's timeline says so, and names the event.

    One statement on PostgreSQL; SQLite, which has no writing WITH, has two in one transaction.
    """
    part = read.part
    event = f"It was told by {read.told_of} of sequence {read.told_sequence}." if read.told_of else ""
    what = f"{read.supplier_name} fetched the order data"
    line: list[Any] = [
        part.tenant_id, part.business_unit_id, part.customer_order_id, what[:200],
        event, correlation_id, part.token,
    ]  # fmt: skip
    with connection.cursor() if connection.vendor != "sqlite" else _transaction() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_FETCHED.replace("CURRENT_TIMESTAMP", _SQLITE_NOW), [part.pk])
            cursor.execute(_TELL, line)
        else:
            cursor.execute(f"WITH fetched AS ({_FETCHED}) {_TELL}", [part.pk, *line])


@contextmanager
def _transaction() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        yield cursor


_SQLITE_NOW = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"
"""Its CURRENT_TIMESTAMP has no fractions, and a fetch in the second of the event must not seem earlier."""
_FETCHED = """
    UPDATE suppliers_supplierpart SET fetched_at = CURRENT_TIMESTAMP, fetches = fetches + 1, unfetched_since = NULL
    WHERE id = %s
"""
_TELL = """
    INSERT INTO orders_timelineentry
        (tenant_id, business_unit_id, customer_order_id, road, what, detail, correlation_id, reference)
    VALUES (%s, %s, %s, 'supplier', %s, %s, %s, %s)
"""


def _items_of(part: SupplierPart, document: Mapping[str, Any]) -> list[Item]:
    """By the claims of all the tenant's suppliers in their order, as the planner sees them."""
    rows = Supplier.objects.filter(tenant=part.tenant_id).order_by("position", "pk")
    claims = [Claim(pk, patterns) for pk, patterns in rows.values_list("pk", "item_patterns")]
    return split(document["items"], claims).get(part.supplier_id, [])


def _case_of(part: SupplierPart, document: Mapping[str, Any]) -> Case:
    given = case_in(document)
    if given is not None:
        return given
    row = OrderCase.objects.get(
        tenant=part.tenant_id, business_unit_id=part.business_unit_id, customer_order_id=part.customer_order_id
    )
    return case_of_row(row, case_type=part.tenant.case_type)


def api_time(moment: datetime) -> str:
    """As all times of the API: UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
