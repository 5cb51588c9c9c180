"""The Order Data API's answer: a supplier's part as it is now (docs/reference/supplier-events.md#order-data)."""

from __future__ import annotations

from typing import Any

from orders.values.instants import instant
from suppliers.order_data.fetches import FetchedPart
from suppliers.order_data.parts import order_data, split, visible_order
from suppliers.webhooks.events import Case, case_in, guid, minted_case


def answer_for(part: FetchedPart, *, case_type: str) -> dict[str, Any]:
    """What the supplier may read of the order. Touches no database."""
    items = split(part.document["items"], part.claims).get(part.supplier_id, [])
    visible = visible_order(part.document, items, business_unit_id=part.business_unit_id)
    case, status = _case_of(part, case_type), _supplier_status(part)
    return order_data(visible, order_token=guid(part.order_token), case=case, supplier_status=status)


def _supplier_status(part: FetchedPart) -> dict[str, str] | None:
    """The newest status the supplier reported of its part."""
    if part.status_at is None:
        return None
    comment = {} if part.status_comment is None else {"comment": part.status_comment}
    return {"status": part.status, **comment, "updatedAt": instant(part.status_at)}


def _case_of(part: FetchedPart, case_type: str) -> Case:
    given = case_in(part.document)
    if given is not None:
        return given
    if part.minted is None:
        raise LookupError(f"the order of {part.order_token} has no case and none was minted for it")
    case_uuid, token = part.minted
    return minted_case(part.customer_order_id, case_uuid=case_uuid, token=token, case_type=case_type)
