"""The Order Data API's answer and the record of its fetch (domain/scalepoint.md, section 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from orders import timeline
from orders.documents import load
from orders.models import ApiClient, Order
from orders.problems import UnknownOrder
from suppliers.events import Case, case_in
from suppliers.models import OrderCase, SupplierPart
from suppliers.parts import Claim, Item, order_data, split, visible_order
from suppliers.planner import case_of_row, tenant_suppliers

_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def part_of(client: ApiClient, order_token: str) -> SupplierPart:
    """The part a token names, compared without case. Another supplier's token is as unknown as no token at all."""
    if _GUID.fullmatch(order_token):
        parts = SupplierPart.objects.select_related("supplier", "tenant")
        part = parts.filter(order_token=UUID(order_token), supplier__api_client=client).first()
        if part is not None:
            return part
    raise UnknownOrder("There is no order with this token for this supplier; use the orderToken of an event.")


def answer_for(part: SupplierPart) -> dict[str, Any]:
    """What the supplier may read of the order, as it is now."""
    order = Order.objects.filter(
        tenant=part.tenant_id, business_unit_id=part.business_unit_id, customer_order_id=part.customer_order_id
    ).first()
    if order is None:
        raise UnknownOrder("The order is no longer stored.")
    document = load(order.document)
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


def record_fetch(part: SupplierPart, *, correlation_id: str) -> None:
    """The supplier has what it was told of; a line on the order's timeline says so."""
    with transaction.atomic():
        SupplierPart.objects.filter(pk=part.pk).update(fetched_at=Now(), fetches=F("fetches") + 1, unfetched_since=None)
        timeline.record(
            part.key,
            road="supplier",
            what=f"{part.supplier.name} fetched the order data",
            correlation_id=correlation_id,
            reference=part.token,
        )


def _items_of(part: SupplierPart, document: Mapping[str, Any]) -> list[Item]:
    claims = [Claim(supplier.pk, supplier.item_patterns) for supplier in tenant_suppliers(part.tenant)]
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
