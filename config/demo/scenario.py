"""The scenario of `make up`: one order through every integration, each step checked by the partner's report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import requests

from config.demo.partners import Partners

WAIT_SECONDS = 10.0
"""A step that has not happened by then says FAILED."""
TIMEOUT_SECONDS = 10.0

Seen = TypeVar("Seen")


class DidNotHappen(Exception):
    """A step failed; the message says what was seen instead."""


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    what: str
    detail: str
    happened: bool = True


class Scenario:
    """Runs the steps one by one; a step that fails says so, and the others still run."""

    def __init__(self, hub_url: str, partners: Partners, secrets: dict[str, str], *, run: str = "") -> None:
        """``run`` makes the ids of this run unique; the date and time by default."""
        self._hub = hub_url
        self._partners = partners
        self._secrets = secrets
        self._http = requests.Session()
        self._http.trust_env = False
        self._tokens: dict[str, str] = {}
        self._run = run or datetime.now(UTC).strftime("%m%d-%H%M%S")

    def steps(self) -> Iterator[ScenarioStep]:
        steps = (
            ("proxied read", self._proxied_read),
            ("write refused in proxy mode", self._refused_write),
            ("order event", self._order_event),
            ("supplier webhook", self._supplier_notified),
            ("order data fetched", self._supplier_fetched),
            ("warehouse import", self._warehouse_import),
        )
        for what, step in steps:
            try:
                yield ScenarioStep(what, step())
            except (DidNotHappen, requests.RequestException) as error:
                yield ScenarioStep(what, str(error), happened=False)

    def token(self, client_id: str, secret: str) -> str:
        """An access token of a demo client, fetched once per run."""
        if client_id not in self._tokens:
            self._tokens[client_id] = self._fetch_token(client_id, secret)
        return self._tokens[client_id]

    def _fetch_token(self, client_id: str, secret: str) -> str:
        form = {"grant_type": "client_credentials"}
        answer = self._http.post(
            f"{self._hub}/oauth2/token", data=form, auth=(client_id, secret), timeout=TIMEOUT_SECONDS
        )
        if answer.status_code != 200:
            raise DidNotHappen(f"no token for {client_id}: {answer.status_code} {answer.text[:200]}")
        return str(answer.json()["access_token"])

    def curl_lines(self) -> Iterator[str]:
        """A line for each demo client that works when pasted."""
        proxied = f"{self._hub}/api/v1/business-units/store-1/customer-orders/{self._proxied_id}"
        stored = f"{self._hub}/api/v1/business-units/store-1/customer-orders/{self._order_id}"
        fetched = f"{self._hub}/api/Orders?ExternalId={self._order_token()}"
        for client, name, url in (
            ("demo-proxy-till", "till", proxied),
            ("demo-shop-oms", "oms", stored),
            ("demo-beans", "supplier", fetched),
        ):
            try:
                yield f"curl -H 'Authorization: Bearer {self.token(client, self._secrets[name])}' '{url}'"
            except (DidNotHappen, requests.RequestException) as error:
                yield f"# no line for {client}: {error}"

    @property
    def _proxied_id(self) -> str:
        return f"demo-read-{self._run}"

    @property
    def _order_id(self) -> str:
        return f"demo-order-{self._run}"

    def _proxied_read(self) -> str:
        self._partners.oms.add_order("store-1", _order(self._proxied_id, customer="c-demo", price="19.90"))
        answer = self._call("GET", "demo-proxy-till", "till", self._proxied_id)
        _expect(answer, 200)
        correlation = answer.headers["Correlation-Id"]
        seen = _wait(lambda: self._read_at_oms(correlation), "the OMS reports no read of this order")
        return (
            f"order {self._proxied_id}: the OMS reports {seen['method']} {seen['path']}, "
            f"the till got its {len(answer.json()['customerOrder']['items'])} lines (correlation id {correlation})"
        )

    def _read_at_oms(self, correlation: str) -> dict[str, Any] | None:
        for call in self._reported(self._partners.oms.url, "/_received", "received"):
            headers = {name.lower(): value for name, value in call["headers"].items()}
            if headers.get("correlation-id") == correlation:
                return call
        return None

    def _refused_write(self) -> str:
        answer = self._call("PUT", "demo-proxy-till", "till", self._proxied_id, body=_order(self._proxied_id))
        _expect(answer, 405)
        return f"PUT answers 405, Allow: {answer.headers['Allow']} (correlation id {answer.headers['Correlation-Id']})"

    def _order_event(self) -> str:
        self.token("demo-shop-oms", self._secrets["oms"])
        started = time.perf_counter()
        answer = self._call("PUT", "demo-shop-oms", "oms", self._order_id, body=_order(self._order_id))
        _expect(answer, 202)
        event = answer.json()["eventId"]
        url = f"{self._hub}{answer.headers['Location']}"
        event_status = _wait(lambda: self._applied(url), "the event was accepted but not applied")
        read = self._call("GET", "demo-shop-oms", "oms", self._order_id)
        took = (time.perf_counter() - started) * 1000
        _expect(read, 200)
        return (
            f"order {self._order_id}: 202 with event {event}, sequence {event_status['sequence']}, "
            f"{event_status['status']} and readable after {took:.0f} ms"
        )

    def _applied(self, url: str) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {self.token('demo-shop-oms', self._secrets['oms'])}"}
        found: dict[str, Any] = self._http.get(url, headers=headers, timeout=TIMEOUT_SECONDS).json()
        return found if found.get("status") == "applied" else None

    def _supplier_notified(self) -> str:
        event = _wait(self._supplier_event, "the supplier reports no order_created for this order")
        return (
            f"the supplier reports {event['eventType']}, signature verified, order token {event['orderToken']} "
            f"(webhook-id {event['webhookId']})"
        )

    def _supplier_event(self) -> dict[str, Any] | None:
        fetch = self._fetched()
        if fetch is None:
            return None
        events = self._reported(self._partners.supplier.url, "/_events", "events")
        return next((each for each in events if each["webhookId"] == fetch["webhookId"] and each["verified"]), None)

    def _supplier_fetched(self) -> str:
        fetch = _wait(self._fetched, "the supplier reports no fetch of this order")
        order = fetch["order"]
        lines = ", ".join(item["itemId"] for item in order["items"])
        return f"the supplier fetched its part of {order['customerOrderId']}: {lines}, total {order['totalPrice']}"

    def _fetched(self) -> dict[str, Any] | None:
        for fetch in self._reported(self._partners.supplier.url, "/_fetched", "fetched"):
            if fetch["order"] and fetch["order"]["customerOrderId"] == self._order_id:
                return fetch
        return None

    def _order_token(self) -> str:
        fetch = self._fetched()
        return str(fetch["orderToken"]) if fetch else "none"

    def _warehouse_import(self) -> str:
        order = _wait(self._warehouse_order, "the warehouse reports no such order")
        lines = ", ".join(f"{line['quantity']} x {line['product']}" for line in order["lines"])
        return f"the warehouse holds order {order['externalReference']} in channel {order['channel']}: {lines}"

    def _warehouse_order(self) -> dict[str, Any] | None:
        orders = self._reported(self._partners.warehouse.url, "/_state", "orders")
        return next((order for order in orders if order["externalReference"] == self._order_id), None)

    def _reported(self, partner_url: str, path: str, member: str) -> list[dict[str, Any]]:
        """The requests that a simulated partner reports."""
        answer = self._http.get(f"{partner_url}{path}", timeout=TIMEOUT_SECONDS)
        reported: list[dict[str, Any]] = answer.json(parse_float=Decimal)[member]
        return reported

    def _call(
        self, method: str, client: str, secret: str, order_id: str, *, body: str | None = None
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(client, self._secrets[secret])}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = f'{{"customerOrder": {body}}}'
        url = f"{self._hub}/api/v1/business-units/store-1/customer-orders/{order_id}"
        return self._http.request(method, url, data=body, headers=headers, timeout=TIMEOUT_SECONDS)


def _order(order_id: str, *, customer: str = "c-demo", price: str = "4.50") -> str:
    return (
        f'{{"customerOrderId": "{order_id}", "customerId": "{customer}", "status": "CREATED", "currencyId": "GBP", '
        f'"items": [{{"itemId": "BEAN-1", "itemName": "Green beans", "quantityOrdered": 3, "unitPrice": {price}}}, '
        f'{{"itemId": "MUG-1", "itemName": "Enamel mug", "quantityOrdered": 1, "unitPrice": 12.00}}]}}'
    )


def _expect(answer: requests.Response, status: int) -> None:
    if answer.status_code != status:
        raise DidNotHappen(f"expected {status}, got {answer.status_code}: {answer.text[:300]}")


def _wait(check: Callable[[], Seen | None], otherwise: str) -> Seen:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        found = check()
        if found:
            return found
        time.sleep(0.01)
    raise DidNotHappen(f"{otherwise} within {WAIT_SECONDS:.0f} s")
