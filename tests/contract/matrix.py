"""Every address of the API, method by method: who may call it and what each caller is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver

from tests.api_fixtures import Api
from tests.bodies import body

Outcome = tuple[int, str]
"""The status and the problem's name, "" where the answer is no problem."""

READ, WRITE = "customer-orders:read", "customer-orders:write"
_ORDERS = "api/v1/business-units/<segment:business_unit_id>/customer-orders"
_ORDER = _ORDERS + "/<segment:customer_order_id>"
_EVENTS = "api/v1/order-events"
_EVENT = _EVENTS + "/<hub_id:event_id>"
_PRODUCT = "api/v1/orderflow-channels/<segment:channel>/products/<segment:sku>"
_SUPPLIER = "api/events/v1/<segment:country>/external/<segment:tenant>/"
SCOPE, UNIT = (403, "scope-missing"), (403, "business-unit-not-allowed")
NO_EVENT, NO_ORDER, NOWHERE = (404, "unknown-event"), (404, "unknown-order"), (404, "not-found")
STOCK = {"eventType": "stock_updated", "payloadVersion": "1", "timestamp": "2026-11-20T08:46:36Z", "items": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``target`` has gaps for the ids of a furnished tenant (tests.contract.world)."""

    pattern: str
    method: str
    target: str
    scope: str
    right: Outcome
    stranger: Outcome
    """The same address, asked by another tenant's client."""
    other_unit: Outcome
    """Asked by a client of the tenant that is bound to another business unit."""
    other_kind: Outcome = SCOPE
    """Asked by a supplier's client where a tenant's is wanted, and the other way round."""
    mode: str = "events"
    body: Any = None

    @property
    def supplier(self) -> bool:
        return self.scope in ("supplier-orders:read", "events")

    def ask(self, api: Api, ids: dict[str, str], **headers: str) -> Outcome:
        return outcome(self.answer(api, ids, **headers))

    def answer(self, api: Api, ids: dict[str, str], **headers: str):
        sent = self.body
        ndjson = self.target.endswith(":load")
        return api.call(
            self.method,
            self.target.format(**ids),
            sent,
            content_type="application/x-ndjson" if ndjson else "application/json",
            headers={"Event-Type": "stock_updated"}
            | {name.replace("_", "-"): given for name, given in headers.items()},
        )


def outcome(response) -> Outcome:
    problem = response["Content-Type"] == "application/problem+json" and response.content
    return response.status_code, json.loads(response.content)["type"].rpartition(":")[2] if problem else ""


def _order(method: str, suffix: str = "", **more: Any) -> Row:
    answers = {"right": (200, ""), "other_unit": UNIT, **more}
    target = f"/api/v1/business-units/{{unit}}/customer-orders{suffix}"
    return Row(method=method, target=target, **answers)


def _verb(verb: str, *, event: str = "{event}") -> Row:
    return Row(
        pattern=f"{_EVENT}:{verb}", method="POST", target=f"/api/v1/order-events/{event}:{verb}",
        scope="order-events:operate", right=(200, ""), stranger=NO_EVENT, other_unit=NO_EVENT, body={"reason": "r"},
    )  # fmt: skip


def _supplier(method: str, suffix: str, **more: Any) -> Row:
    """A supplier has no business units; another tenant's finds no address, a client of the tenant lacks the scope."""
    answers = {"right": (200, ""), "stranger": NOWHERE, "other_unit": (200, ""), **more}
    return Row(method=method, target=f"/api/events/v1/dk/external/{{slug}}/{suffix}", scope="events", **answers)


ROWS = [
    _order("GET", "/{order}", pattern=_ORDER, scope=READ, stranger=NO_ORDER),
    _order("PUT", "/{order}", pattern=_ORDER, scope=WRITE, right=(202, ""), stranger=(202, ""),
           body=body("1001")),
    _order("POST", ":search", pattern=_ORDERS + ":search", scope=READ, stranger=(200, ""), body={}),
    _order("GET", "/{order}/fulfilment", pattern=_ORDER + "/fulfilment", scope=READ, stranger=NO_ORDER),
    Row(pattern="api/v1/customer-orders:load", method="POST", target="/api/v1/customer-orders:load",
        scope=WRITE, right=(200, ""), stranger=(200, ""), other_unit=(200, ""),
        body=b'{"businessUnitId":"store-1",' + body("1")[1:]),
    Row(pattern="api/v1/migration/orders", method="POST", target="/api/v1/migration/orders", scope=WRITE,
        mode="migrating", right=(200, ""), stranger=(200, ""), other_unit=UNIT,
        body={"orders": [{"businessUnitId": "store-1", "customerOrderId": "1"}]}),
    Row(pattern=_EVENTS, method="GET", target="/api/v1/order-events", scope=WRITE, right=(200, ""),
        stranger=(200, ""), other_unit=(200, "")),
    Row(pattern=_EVENT, method="GET", target="/api/v1/order-events/{event}", scope=WRITE, right=(200, ""),
        stranger=NO_EVENT, other_unit=NO_EVENT),
    _verb("preview"), _verb("retry"), _verb("discard", event="{spare}"),
    Row(pattern="api/v1/stock", method="GET", target="/api/v1/stock?itemId=BEAN-1", scope=READ, right=(200, ""),
        stranger=(200, ""), other_unit=(200, "")),
    Row(pattern=_PRODUCT, method="GET", target="/api/v1/orderflow-channels/main-{slug}/products/BEAN-1",
        scope="products:write", right=(200, ""), stranger=(404, "unknown-channel"), other_unit=(200, "")),
    Row(pattern=_PRODUCT, method="PUT", target="/api/v1/orderflow-channels/main-{slug}/products/BEAN-1",
        scope="products:write", right=(202, ""), stranger=(404, "unknown-channel"), other_unit=(202, ""),
        body={"description": "Green beans"}),
    *(
        Row(pattern="api/v1/proxy-config", method=method, target="/api/v1/proxy-config", scope="proxy-config:write",
            mode="migrating", right=(200, ""), stranger=(200, ""), other_unit=(200, ""), body=sent)
        for method, sent in (
            ("GET", None), ("PUT", {"type": "basic", "config": {"username": "u", "password": "correct horse"}}),
        )
    ),
    Row(pattern="api/v1/proxy-config/drift", method="GET", target="/api/v1/proxy-config/drift",
        scope="proxy-config:write", mode="migrating", right=(200, ""), stranger=(200, ""), other_unit=(200, "")),
    Row(pattern="api/Orders", method="GET", target="/api/Orders?ExternalId={part}", scope="supplier-orders:read",
        right=(200, ""), stranger=NO_ORDER, other_unit=(200, "")),
    _supplier("GET", "receive", pattern=_SUPPLIER + "receive"),
    _supplier("POST", "send", pattern=_SUPPLIER + "send", right=(201, ""), other_unit=(201, ""), body=STOCK),
    _supplier("GET", "deliveries", pattern=_SUPPLIER + "deliveries"),
    _supplier("POST", "deliveries/{delivery}:redeliver",
              pattern=_SUPPLIER + "deliveries/<hub_id:delivery_id>:redeliver"),
    Row(pattern=r"^api/", method="GET", target="/api/v1/nowhere", scope="", right=NOWHERE, stranger=NOWHERE,
        other_unit=NOWHERE, other_kind=NOWHERE),
]  # fmt: skip
OPEN = {
    "oauth2/token": ("POST", 400),
    "schemas/v1/openapi.json": ("GET", 200),
    "docs": ("GET", 200),
    "livez": ("GET", 200),
    "readyz": ("GET", 200),
    "healthz": ("GET", 200),
    "metrics": ("GET", 401),
    "": ("GET", 302),
}
"""Any caller that is not on loopback."""


def named(row: Row) -> str:
    return f"{row.method} {row.target}"


def addresses() -> set[str]:
    """Every pattern of the resolver but the admin's."""
    return {pattern for pattern in _patterns(get_resolver()) if not pattern.startswith("admin/")}


def admin_addresses() -> set[str]:
    return {pattern for pattern in _patterns(get_resolver()) if pattern.startswith("admin/")}


def _patterns(resolver: URLResolver, prefix: str = ""):
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _patterns(one, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern)
