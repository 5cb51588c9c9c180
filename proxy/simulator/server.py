"""A tenant's order management system, simulated (docs/guides/external-service.md#a-service-to-compare-with).

    POST /api/v1/business-units/{bu}/customer-orders          the bare order, created or replaced
    POST /api/v1/business-units/{bu}/customer-orders:search   criteria of docs/reference/api.md#search
    GET  /api/v1/business-units/{bu}/customer-orders/{id}     {"customerOrder": …}, every number as it was written
    POST /oauth2/token · GET /schemas/v1/openapi.json · GET / (its orders)

Faults (orders/simulators/faults.py) are asked for by the header ``Mock-Fault: delay=2;status=503``, by ``fail()`` and
``POST /_fault``, and by an order id in a read or a search, stored or not (a sample order is answered when not):

    fault-status-503-…  fault-delay-2-…  fault-drip-0.1-…  fault-missing-status-…  fault-wrong-type-customerId-…
    fault-drop-…  fault-malformed-…  fault-truncated-…  fault-html-…  fault-unknown-member-…  fault-expired-token-…

Beyond the common faults: ``missing=a,b`` leaves members out, ``wrong-type=a`` gives them another type,
``unknown-member`` adds one, ``wrong-id`` answers another order's id, ``expired-token`` revokes the caller's token and
answers 401.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, ClassVar

from orders.simulators.base import Simulator
from orders.simulators.faults import Fault
from orders.simulators.tokens import ClientForm, TokenEndpoint
from orders.simulators.wire import Answer, Call, Digits, html_answer, json_answer, read_json, timestamp, write_json
from proxy.simulator.openapi import CRITERIA, ORDER, document, faults

FAULT_ID = re.compile(
    r"fault-(?:(?P<valued>status|delay|drip|missing|wrong-type)-(?P<value>[A-Za-z0-9.]+)"
    r"|(?P<bare>drop|lost|malformed|truncated|html|unknown-member|wrong-id|expired-token|gzip))(?:-|$)"
)
PAGE_ROWS = 500
"""What a browser shows without effort; the rest is counted."""


@dataclass(slots=True)
class _Kept:
    business_unit_id: str
    order: Mapping[str, Any]
    """Numbers as ``Digits``, for search and for spoiling."""
    text: str
    """The order as it was written."""
    updated_at: datetime


class MockOms(Simulator):
    """One OMS. ``tenants`` None accepts any ``Tenant-Id``; ``username`` or ``client_id`` "" switches that form off."""

    name: ClassVar[str] = "mock_oms"
    fault_words: ClassVar[frozenset[str]] = frozenset(
        {"missing", "wrong-type", "unknown-member", "wrong-id", "expired-token"}
    )

    def __init__(
        self,
        *,
        port: int = 0,
        basic: tuple[str, str] | None = None,
        client: tuple[str, str] | None = None,
        token_client_form: ClientForm = "both",
        tenants: frozenset[str] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.username, self.password = basic or ("oms", secrets.token_urlsafe(12))
        client_id, client_secret = client or ("hub", secrets.token_urlsafe(18))
        self.tokens = TokenEndpoint(client_id, client_secret=client_secret, accepts=token_client_form)
        self.tenants = tenants
        self._lock = threading.Lock()
        self._orders: dict[tuple[str, str], _Kept] = {}
        for number in range(1, seed + 1):
            self.add_order("store-1", seeded_order(number))

    @property
    def api_url(self) -> str:
        """What a tenant's ``external_url`` is set to."""
        return f"{self.url}/api/v1"

    @property
    def token_url(self) -> str:
        return f"{self.url}/oauth2/token"

    def banner(self) -> str:
        return (
            f"mock_oms listens on {self.api_url} · header Tenant-Id · Basic {self.username} {self.password} · "
            f"OAuth2 {self.tokens.client_id} {self.tokens.client_secret} at {self.token_url}"
        )

    # Its orders

    def add_order(self, business_unit_id: str, order: Mapping[str, Any] | str | bytes) -> bool:
        """Keep an order as it is given, unchecked; text keeps its spelling. True when it is new."""
        given = order if isinstance(order, str | bytes) else write_json(order)
        text = given.decode() if isinstance(given, bytes) else given
        kept = _Kept(business_unit_id, read_json(text), text.strip(), datetime.now(UTC))
        key = (business_unit_id, str(kept.order.get("customerOrderId")))
        with self._lock:
            new = self._orders.pop(key, None) is None
            self._orders[key] = kept
        return new

    def order(self, business_unit_id: str, customer_order_id: str) -> Mapping[str, Any] | None:
        """A kept order, numbers as ``Digits`` (text)."""
        kept = self._orders.get((business_unit_id, customer_order_id))
        return kept.order if kept else None

    def kept(self) -> list[_Kept]:
        """Newest first."""
        with self._lock:
            return list(reversed(self._orders.values()))

    # Answering

    def fault_of(self, call: Call) -> Fault:
        known = self.faults.known
        asked = Fault.from_text(call.header("Mock-Fault"), known=known)
        return self.faults.take(call) | self._fault_by_id(call) | asked

    def _fault_by_id(self, call: Call) -> Fault:
        match call.method, call.segments:
            case "GET" | "HEAD", ["api", "v1", "business-units", _, "customer-orders", order_id]:
                return fault_named_by(order_id, known=self.faults.known)
            case "POST", [*_, "customer-orders:search"] if b"fault-" in call.body:
                wanted = _read_or_none(call.body)
                named = wanted.get("customerOrderId") if isinstance(wanted, dict) else None
                return fault_named_by(str(named), known=self.faults.known)
        return Fault()

    def refusal(self, call: Call, status: int) -> Answer:
        return problem(status, "A fault was asked for")

    def answer(self, call: Call, fault: Fault) -> Answer:
        match call.segments:
            case [""] | ["index.html"]:
                return self._page()
            case ["schemas", "v1", "openapi.json"]:
                return json_answer(document())
            case ["oauth2", "token"]:
                return self.tokens.answer(call)
            case ["api", "v1", "business-units", business_unit_id, *rest] if rest:
                return self._refused(call, fault) or self._orders_answer(call, fault, business_unit_id, rest)
        return problem(404, f"There is nothing at {call.path}")

    def _refused(self, call: Call, fault: Fault) -> Answer | None:
        """Who may ask: Authorization and Tenant-Id [R]."""
        if "expired-token" in fault:
            self.tokens.revoke(call.bearer)
        by_basic = self.username and call.basic == (self.username, self.password) and "expired-token" not in fault
        if not (by_basic or self.tokens.knows(call.bearer)):
            challenge = {"WWW-Authenticate": 'Basic realm="oms", Bearer'}
            return problem(401, "Authorization by Basic or by a token of /oauth2/token is needed", headers=challenge)
        tenant = call.header("Tenant-Id")
        if not tenant:
            return problem(400, "The header Tenant-Id is needed")
        if self.tenants is not None and tenant not in self.tenants:
            return problem(403, f"The tenant {tenant!r} is not known here")
        return None

    def _orders_answer(self, call: Call, fault: Fault, business_unit_id: str, rest: list[str]) -> Answer:
        match call.method, rest:
            case "POST", ["customer-orders"]:
                return self._write(call, business_unit_id)
            case "POST", ["customer-orders:search"]:
                return self._search(call, fault, business_unit_id)
            case "GET" | "HEAD", ["customer-orders", order_id]:
                return self._read(fault, business_unit_id, order_id)
            case _, ["customer-orders" | "customer-orders:search"]:
                return problem(405, "Only POST is answered here", headers={"Allow": "POST"})
            case _, ["customer-orders", _]:
                return problem(405, "Only GET is answered here", headers={"Allow": "GET, HEAD"})
        return problem(404, f"There is nothing at {call.path}")

    def _write(self, call: Call, business_unit_id: str) -> Answer:
        order = _read_or_none(call.body)
        if wrong := list(faults(order, ORDER)):
            return _bad_body(wrong)
        text = call.body.decode().strip()
        new = self.add_order(business_unit_id, text)
        return _order_answer(text, status=201 if new else 200)

    def _read(self, fault: Fault, business_unit_id: str, order_id: str) -> Answer:
        kept = self._orders.get((business_unit_id, order_id))
        if kept is None and not FAULT_ID.match(order_id):
            return problem(404, f"There is no order {order_id!r} in {business_unit_id!r}")
        order = kept.order if kept else {**read_json(write_json(seeded_order(1))), "customerOrderId": order_id}
        spoiled = spoil(order, fault)
        return _order_answer(kept.text if kept and spoiled is order else write_json(spoiled))

    def _search(self, call: Call, fault: Fault, business_unit_id: str) -> Answer:
        criteria = _read_or_none(call.body)
        if wrong := list(faults(criteria, CRITERIA)):
            return _bad_body(wrong)
        try:
            found = [
                each.order
                for each in self.kept()
                if each.business_unit_id == business_unit_id and matches(each, criteria)
            ]
        except ValueError as error:
            return problem(400, f"A time is not ISO 8601 with a zone: {error}")
        wanted = str(criteria.get("customerOrderId") or "")
        if not found and FAULT_ID.match(wanted):
            found = [{**read_json(write_json(seeded_order(1))), "customerOrderId": wanted}]
        names = ("customerOrderId", "customerId", "status")
        entries = [{name: each[name] for name in names if name in each} for each in found]
        return json_answer({"customerOrders": [spoil(entry, fault) for entry in entries]})

    def _page(self) -> Answer:
        kept = self.kept()
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in _row(each)) + "</tr>"
            for each in kept[:PAGE_ROWS]
        )
        heads = "".join(
            f"<th>{head}</th>" for head in ("Business unit", "Order", "Customer", "Status", "Items", "Updated")
        )
        more = f", the newest {PAGE_ROWS} shown" if len(kept) > PAGE_ROWS else ""
        links = '<a href="/schemas/v1/openapi.json">OpenAPI</a> · <a href="/_received">what it got</a>'
        return html_answer(
            "Mock OMS", f"<p>{len(kept)} orders{more} · {links}</p><table><tr>{heads}</tr>{rows}</table>"
        )


def fault_named_by(order_id: str, *, known: frozenset[str]) -> Fault:
    """The fault that an order id asks for, see the module's table."""
    match = FAULT_ID.match(order_id)
    if match is None:
        return Fault()
    return Fault.from_words({match["valued"] or match["bare"]: match["value"] or ""}, known=known)


def spoil(order: Mapping[str, Any], fault: Fault) -> Mapping[str, Any]:
    """The order with the members a fault asks to break; the same object when it asks for none."""
    if not {"missing", "wrong-type", "unknown-member", "wrong-id"} & fault.words.keys():
        return order
    spoiled = {name: value for name, value in order.items() if name not in fault.names("missing")}
    for name in fault.names("wrong-type"):
        spoiled[name] = Digits("42") if type(order.get(name)) is str else "not what was agreed"
    if "unknown-member" in fault:
        spoiled["unknownMember"] = {"anything": [Digits("1.0")]}
    if "wrong-id" in fault:
        spoiled["customerOrderId"] = "another-order"
    return spoiled


def matches(kept: _Kept, criteria: Mapping[str, Any]) -> bool:
    """Every criterion given holds (docs/reference/api.md#search). Raises ValueError for a time without a zone."""
    order = kept.order
    plain = ("customerId", "customerOrderId", "status")
    if any(criteria.get(name) is not None and order.get(name) != criteria[name] for name in plain):
        return False
    item_id = criteria.get("itemId")
    if item_id is not None and all(item.get("itemId") != item_id for item in order.get("items", [])):
        return False
    return _between(_placed(order), low=criteria.get("placedFrom"), high=criteria.get("placedTo")) and _between(
        kept.updated_at, low=criteria.get("updatedFrom"), high=criteria.get("updatedTo")
    )


def _placed(order: Mapping[str, Any]) -> datetime | None:
    """None also for what is no time: a planted wrong value must not break every search."""
    try:
        return _moment(str(order.get("placedDateTime")))
    except ValueError:
        return None


def _between(moment: datetime | None, *, low: str | None, high: str | None) -> bool:
    """From inclusive, to exclusive; without a moment only when nothing is asked."""
    first, end = (_moment(text) if text is not None else None for text in (low, high))
    if moment is None:
        return first is None and end is None
    return (first is None or first <= moment) and (end is None or moment < end)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def seeded_order(number: int) -> dict[str, Any]:
    """A plain order, the same for the same number."""
    placed = datetime(2026, 1, 1, 9, 0, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "customerOrderId": f"seed-{number}",
        "customerId": f"c-{number % 50 + 1}",
        "status": ("CREATED", "IN_PROGRESS", "FULFILLED", "CANCELLED")[number % 4],
        "minimumDownPaymentAmount": Digits("100"),
        "isLocked": False,
        "items": [
            {"itemId": f"BEAN-{number % 9 + 1}", "quantityOrdered": Digits("2"), "unitPrice": Digits("19.90")},
            {"itemId": "MUG-1", "itemName": "Mug", "quantityOrdered": Digits("1"), "unitPrice": Digits("7.50")},
        ],
        "currencyId": "DKK",
        "placedDateTime": timestamp(placed),
    }


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, errors: Any = ()) -> Answer:
    body = write_json({"title": detail, "status": status, "detail": detail, **({"errors": errors} if errors else {})})
    return Answer(status, body.encode(), "application/problem+json", headers or {})


def _bad_body(wrong: list[tuple[str, str]]) -> Answer:
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in wrong]
    return problem(400, "The body is not valid", errors=errors)


def _order_answer(text: str, *, status: int = 200) -> Answer:
    return Answer(status, f'{{"customerOrder":{text}}}'.encode())


def _read_or_none(body: bytes) -> Any:
    try:
        return read_json(body)
    except ValueError:
        return None


def _row(kept: _Kept) -> tuple[Any, ...]:
    order = kept.order
    names = ("customerOrderId", "customerId", "status")
    items = order.get("items")
    count = len(items) if isinstance(items, list) else "?"
    return (kept.business_unit_id, *(order.get(name, "") for name in names), count, timestamp(kept.updated_at))
