"""Which lines of an order are whose, and what a supplier may read of it (docs/reference/supplier-events.md#events).

A line belongs to the first supplier, in the order of the onboarding file, with a matching pattern. A supplier never
sees another's lines. Amounts are exact: no rounding, no binary floats.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, Overflow
from typing import Any, Generic, TypeVar

from orders.documents.schema import Case as CaseBody
from orders.documents.schema import DeliveryAddress
from orders.documents.value_types import OpenModel, member, optional
from orders.values.patterns import matches
from suppliers.webhooks.events import Case

Owner = TypeVar("Owner", bound=Hashable)
Item = Mapping[str, Any]

EXACT = Context(prec=500, traps=[Inexact, Overflow])
"""30 digits with exponents to ±30 (docs/reference/customer-order.md#numbers), multiplied and added 2,000 times: far
below 500 digits. Inexact is trapped, so a rounded amount can never leave."""


class OrderDataLine(OpenModel):
    item_id: str = member("The item's id.", "BEAN-1")
    item_name: str = optional("What the item is called.", "Green beans")
    quantity_ordered: float = member("How many.", 2)
    unit_price: float = member("The price of one.", 19.95)
    total_price: float = member("Quantity times unit price less the line's discounts, exact.", 39.9)


class OrderDataCustomer(OpenModel):
    name: str = member("The customer's name.", "Ada Jensen")
    email: str = optional("Where mail reaches the customer.", "ada@example.com")
    phone: str = optional("Where a call reaches the customer.", "+45 12 34 56 78")


class SupplierStatus(OpenModel):
    status: str = member("The status in the supplier's own words.", "in progress")
    comment: str = optional("The remark that came with it.", "Green beans come on Monday.")
    updated_at: str = member("When it was so.", "2026-11-20T08:46:36Z")


class OrderData(OpenModel):
    order_token: str = member("The GUID of the supplier's part, in upper case.", "3F2504E0-4F89-41D3-9A0C-0305E82C3301")
    customer_order_id: str = member("The order's id at the tenant.", "1001")
    business_unit_id: str = member("The business unit that the order belongs to.", "store-1")
    status: str = member("The order's status.", "CREATED")
    currency_id: str = optional("The currency of every amount, ISO 4217.", "EUR")
    placed_date_time: str = optional("When the customer ordered.", "2026-11-20T08:46:36Z")
    case: CaseBody = member("The order's insurance case, or one made for it.")
    customer: OrderDataCustomer = optional("Who ordered.")
    delivery_address: DeliveryAddress = optional("Where it goes.")
    items: list[OrderDataLine] = member("The supplier's lines; empty where none is left.")
    total_price: float = member("The sum of the lines, exact.", 39.9)
    supplier_status: SupplierStatus | None = member("What the supplier reported last, or null.")


ANSWER_MEMBERS = tuple(str(field.alias) for field in OrderData.model_fields.values())


@dataclass(frozen=True, slots=True)
class Claim(Generic[Owner]):
    """What one supplier claims, by its patterns."""

    owner: Owner
    patterns: Sequence[str]

    def covers(self, item_id: str) -> bool:
        return any(matches(pattern, item_id) for pattern in self.patterns)


def split(items: Iterable[Item], claims: Sequence[Claim[Owner]]) -> dict[Owner | None, list[Item]]:
    """The lines per supplier; under None those that nobody claims. Suppliers without a line are left out."""
    shares: dict[Owner | None, list[Item]] = {}
    for item in items:
        owner = next((claim.owner for claim in claims if claim.covers(item["itemId"])), None)
        shares.setdefault(owner, []).append(item)
    return shares


def line_total(item: Item) -> Decimal:
    """Quantity times unit price, less the line's discounts."""
    total = EXACT.multiply(Decimal(item["quantityOrdered"]), Decimal(item["unitPrice"]))
    for discount in item.get("discounts") or ():
        total = EXACT.subtract(total, Decimal(discount["discountAmount"]))
    return total


def visible_order(document: Mapping[str, Any], items: Sequence[Item], *, business_unit_id: str) -> dict[str, Any]:
    """The members of the Order Data answer that come from the order's document."""
    lines = [_line(item) for item in items]
    answer: dict[str, Any] = {
        "customerOrderId": document["customerOrderId"],
        "businessUnitId": business_unit_id,
        "status": document["status"],
        **_present(document, "currencyId", "placedDateTime"),
    }
    if document.get("customer") is not None:
        answer["customer"] = _present(document["customer"], "name", "email", "phone")
    answer |= _present(document, "deliveryAddress")
    total = Decimal(0)
    for line in lines:
        total = EXACT.add(total, line["totalPrice"])
    return answer | {"items": lines, "totalPrice": total}


def order_data(
    visible: Mapping[str, Any], *, order_token: str, case: Case, supplier_status: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The whole Order Data answer, members in the order of docs/reference/supplier-events.md#order-data."""
    members: dict[str, Any] = {"orderToken": order_token, **visible, "case": case.as_json()}
    members["supplierStatus"] = supplier_status
    return {name: members[name] for name in ANSWER_MEMBERS if name in members}


def value_digest(value: Any) -> str:
    """SHA-256 of a JSON value: the same for the same value, however its members or numbers are written."""
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """JSON with texts and numbers marked, so that 19.9 is 19.90 but never "19.90"."""
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, str):
        return "text " + value
    if isinstance(value, bool) or value is None:
        return value
    number = Decimal(value)
    return "number 0" if number.is_zero() else f"number {number.normalize(EXACT)}"


def _line(item: Item) -> dict[str, Any]:
    return {
        **_present(item, "itemId", "itemName", "quantityOrdered", "unitPrice"),
        "totalPrice": line_total(item),
    }


def _present(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: source[name] for name in names if source.get(name) is not None}
