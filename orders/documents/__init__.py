"""The order's document: PUT bodies, stored orders and external answers (docs/reference/customer-order.md#members).

    bytes -> decode -> value -> validate_order -> Checked.document -> render -> bytes

Numbers are ``int`` and ``Decimal`` all the way and come out with the digits they came in with. ``read_*`` and
``parse_*`` are for what our own callers send and raise InvalidBody with every fault; ``check_*`` is for what an
external service answers and never raises: the caller reads ``Checked.mismatches``. Imports no Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.documents import schema as shapes
from orders.documents.arrivals import Arrived, SendingRules, arrived
from orders.documents.checks import Checked, Mismatch, Schema
from orders.documents.rules import check_id, parse_instant
from orders.documents.status_words import ours
from orders.documents.strict_json import JsonError, deeper_than, parse, raw_member
from orders.documents.written import digest, load, render
from orders.values.problems import InvalidBody

__all__ = [
    "ORDER",
    "Arrived",
    "Checked",
    "Mismatch",
    "SearchCriteria",
    "SendingRules",
    "check_answer",
    "check_id",
    "check_search_answer",
    "decode",
    "deeper_than",
    "digest",
    "load",
    "parse_instant",
    "parse_listed_orders",
    "parse_search",
    "read_load_line",
    "read_put",
    "render",
    "stored_order",
    "translate_status",
    "validate_order",
]

ORDER = Schema(shapes.CustomerOrder)
ORDER_ENVELOPE = Schema(shapes.CustomerOrderEnvelope)
SEARCH_BODY = Schema(shapes.CustomerOrderSearch)
LOAD_LINE = Schema(shapes.LoadLine)
LISTED_ORDERS = Schema(shapes.ListedOrders)
_SEARCH_ANSWER = Schema(shapes.SearchAnswer)


@dataclass(frozen=True, slots=True)
class SearchCriteria:
    """The body of ``POST …/customer-orders:search`` (docs/reference/api.md#search): joined by AND, exact.

    None does not restrict. ``from`` is inclusive, ``to`` exclusive; times are in UTC.
    """

    customer_id: str | None = None
    customer_order_id: str | None = None
    status: str | None = None
    item_id: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None


def decode(body: bytes) -> Any:
    """The value of a JSON body, strictly read; raises InvalidBody. For any body of any endpoint."""
    try:
        return parse(body)
    except JsonError as error:
        raise InvalidBody(errors=[mismatch.as_fault() for mismatch in _json_mismatches(error)]) from None


def _json_mismatches(error: JsonError) -> tuple[Mismatch, ...]:
    return tuple(Mismatch(fault.pointer, fault.expected, fault.found, fault.note) for fault in error.faults)


def validate_order(obj: Any, *, strict: bool) -> Checked:
    """A bare order (no envelope) against the schema; pointers begin at the order. Never raises."""
    return ORDER.check(obj, strict=strict)


def read_put(body: bytes, rules: SendingRules) -> Arrived:
    """A PUT body ``{"customerOrder": {…}}``; raises InvalidBody with pointers into the body."""
    return arrived(decode(body), ORDER_ENVELOPE, rules)


def read_load_line(line: bytes, rules: SendingRules) -> tuple[Arrived, bytes]:
    """One line of a load, and the PUT body that says the same, its digits as they came; raises as ``read_put``."""
    found = arrived(decode(line), LOAD_LINE, rules)
    return found, b'{"customerOrder":' + raw_member(line, "customerOrder") + b"}"


def stored_order(payload: bytes) -> dict[str, Any]:
    """The order of an accepted body, without its unknown members. Raises InvalidBody for what is no order any more;
    how its status is spelt was judged when it arrived.
    """
    checked = ORDER_ENVELOPE.check(decode(payload), strict=False)
    if checked.mismatches:
        raise InvalidBody(errors=checked.faults)
    order: dict[str, Any] = checked.document["customerOrder"]
    return order


def parse_listed_orders(body: bytes) -> list[tuple[str, str]]:
    """(business unit, order id) of each listed order; raises InvalidBody."""
    return [(one["businessUnitId"], one["customerOrderId"]) for one in _parsed(body, LISTED_ORDERS)["orders"]]


def _parsed(body: bytes, schema: Schema) -> dict[str, Any]:
    checked = schema.check(decode(body), strict=True)
    if checked.mismatches:
        raise InvalidBody(errors=checked.faults)
    return checked.document


def check_answer(body: bytes) -> Checked:
    """An external service's ``{"customerOrder": {…}}``: ``document`` is the order, pointers are into the body."""
    checked = _checked(body, ORDER_ENVELOPE)
    return Checked(checked.document.get("customerOrder", {}), checked.mismatches, checked.dropped)


def check_search_answer(body: bytes) -> Checked:
    """An external service's search answer: ``document`` is ``{"customerOrders": […]}``."""
    return _checked(body, _SEARCH_ANSWER)


def _checked(body: bytes, schema: Schema) -> Checked:
    try:
        return schema.check(parse(body), strict=False)
    except JsonError as error:
        return Checked({}, _json_mismatches(error))


def parse_search(body: bytes) -> SearchCriteria:
    """The criteria of a search body; ``{}`` is every order. Raises InvalidBody."""
    found = _parsed(body, SEARCH_BODY)
    times = {name: parse_instant(found[name]) for name in _TIMES if name in found}
    return SearchCriteria(
        customer_id=found.get("customerId"),
        customer_order_id=found.get("customerOrderId"),
        status=found.get("status"),
        item_id=found.get("itemId"),
        placed_from=times.get("placedFrom"),
        placed_to=times.get("placedTo"),
        updated_from=times.get("updatedFrom"),
        updated_to=times.get("updatedTo"),
    )


_TIMES = ("placedFrom", "placedTo", "updatedFrom", "updatedTo")


def translate_status(document: dict[str, Any], status_map: Mapping[str, str]) -> dict[str, Any]:
    """The document with the tenant's word for its status turned into ours; words not in the map pass unchanged."""
    status = ours(document["status"], status_map)
    return document if status == document["status"] else {**document, "status": status}
