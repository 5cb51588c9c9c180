"""The searches of the conformance check: every criterion and bound must find an order that fits, and only such."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from orders.documents import parse_instant

ABSENT = "orderhub-conformance/50% øl:1"
"""An id that no service has, with everything in it that must be percent-encoded."""
LONG_AGO, FAR_AHEAD = "1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
"""Before and after every order."""

Search = Callable[[dict[str, str]], list[dict[str, Any]]]
Checks = Iterator[tuple[str, Callable[[], str]]]


class NotKept(Exception):
    """The contract is broken; the text says how, and what is right."""


def search_checks(search: Search, order: Mapping[str, Any]) -> Checks:
    """Checks by name, for an order that was read."""
    for name in ("customerId", "status"):
        yield f"search: by {name}", partial(_by_member, search, order, name)
    if order["items"]:
        yield "search: by itemId", partial(_by_item, search, order)
    yield "search: criteria together", partial(_together, search, order)
    for name in ("placed", "updated"):
        yield f"search: by {name}From, {name}To", partial(_by_time, search, order, name)


def _by_member(search: Search, order: Mapping[str, Any], name: str) -> str:
    found = _must_find(search, order, {name: order[name]})
    others = sorted({hit[name] for hit in found} - {order[name]})
    if others:
        raise NotKept(f'{{"{name}": "{order[name]}"}} must find orders with this {name} only; it found others as well')
    _must_not_find(search, {name: ABSENT})
    return f"{len(found)} order(s), all with this {name}; none with an unknown one"


def _by_item(search: Search, order: Mapping[str, Any]) -> str:
    found = _must_find(search, order, {"itemId": order["items"][0]["itemId"]})
    _must_not_find(search, {"itemId": ABSENT})
    return f"{len(found)} order(s); none with an unknown item"


def _together(search: Search, order: Mapping[str, Any]) -> str:
    _must_find(search, order, {"customerId": order["customerId"], "status": order["status"]})
    _must_not_find(search, {"customerId": order["customerId"], "customerOrderId": ABSENT})
    return "all criteria must hold"


def _by_time(search: Search, order: Mapping[str, Any], name: str) -> str:
    since, until = f"{name}From", f"{name}To"
    if name == "placed" and order.get("placedDateTime"):
        return _by_moment(search, order, parse_instant(order["placedDateTime"]))
    if name == "updated":
        _must_find(search, order, {since: LONG_AGO, until: FAR_AHEAD})
    _must_not_find(search, {since: FAR_AHEAD})
    _must_not_find(search, {until: LONG_AGO})
    return "none before 1970 or after 2999"


def _by_moment(search: Search, order: Mapping[str, Any], placed: datetime) -> str:
    """From is inclusive, to exclusive."""
    at, later = placed.isoformat(), (placed + timedelta(seconds=1)).isoformat()
    own = {"customerOrderId": order["customerOrderId"]}
    _must_find(search, order, own | {"placedFrom": at, "placedTo": later})
    _must_not_find(search, own | {"placedTo": at})
    _must_not_find(search, own | {"placedFrom": later})
    return "placedFrom is inclusive, placedTo exclusive"


def _must_find(search: Search, order: Mapping[str, Any], criteria: dict[str, str]) -> list[dict[str, Any]]:
    found = search(criteria)
    if order["customerOrderId"] not in [hit["customerOrderId"] for hit in found]:
        raise NotKept(f"{_names(criteria)} of order {order['customerOrderId']} must find it; it did not")
    return found


def _must_not_find(search: Search, criteria: dict[str, str]) -> None:
    if found := search(criteria):
        raise NotKept(
            f"A search by {_names(criteria)} that fits no order must find nothing; it found {len(found)}. The hub "
            "drops hits of another id, customer or status, but cannot see that another criterion was ignored"
        )


def _names(criteria: Mapping[str, str]) -> str:
    return " and ".join(criteria)
