"""A supplier and a warehouse that take part in a drill, and the judge of what they hold in the end.

Both are the simulated ones, in this process. While one ``forgets`` it does what it is asked for and loses many of the
answers, gives them when the hub has stopped listening, or begins only when its caller may have been killed.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from contextlib import ExitStack

import psycopg

from orderflow.simulator.server import MockOrderFlow
from orders.simulators.faults import NO_FAULT, Fault
from orders.simulators.wire import Call
from suppliers.simulator.hub_client import HubAccount
from suppliers.simulator.server import MockSupplier
from tests.benchmarks.proxied import outward
from tests.bodies import body
from tests.chaos.faults import Party, Scene
from tests.chaos.hasty import CALL_SECONDS
from tests.chaos.ledger import Ledger
from tests.processes import wait_until

SECRET = "chaos-partners-secret-0123456789-0123456789"
PASSWORD = "chaos-password"
ITEM = "BEAN-1"
OUTWARD = {
    "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "HUB_OUTBOUND_ALLOW_HTTP": "true",
    "HUB_DELIVERY_RETRY_SCHEDULE": ",".join(["1"] * 50),
    "HUB_BREAKER_FAILURES": "0",
}  # fmt: skip
"""A dispatcher's environment: as many tries as a drill can need, so that a dead letter is a fault."""
LOST, LATE = Fault({"lost": ""}), Fault({"late": f"{CALL_SECONDS + 1:g}"})
SLOW = Fault({"delay": "2"})
"""Done within the limit of the call, also where its caller is gone: more than that no partner is trusted with."""
FAULTS = (LOST,) * 5 + (LATE,) + (SLOW,) * 2 + (NO_FAULT,) * 12
"""Of twenty calls."""
EVENTS = ["order_created", "order_updated", "order_cancelled"]
AT_ONCE = 64
"""Webhooks under way: so many that nothing waits for its turn on loaded cores."""
QUANTITIES = (1, 2, 3)
STATUSES = ("CREATED", "CREATED", "CREATED", "CANCELLED")
SETTLE_SECONDS = 240
"""A killed dispatcher's leases run out after 24 s, and then each lane of 100 orders has a call or three to make."""
FIRST_FETCHES_SECONDS = 30
"""Three tries with half a second between them, on loaded cores."""
OWED = """
    SELECT count(*) FROM orders_lane WHERE due_at IS NOT NULL
"""
EMPTY = "TRUNCATE orders_lane, orders_delivery, suppliers_supplierpart, orderflow_warehouseorder CASCADE"
ORDERS = "SELECT customer_order_id, document FROM orders_order"
PARTS = "SELECT customer_order_id, order_token::text FROM suppliers_supplierpart"


class _Forgetful:
    """A simulator whose answers are lost while ``forgets``."""

    forgets = False

    def forget_some(self, seed: int) -> None:
        self._chance, self.lost = random.Random(seed), Counter[str]()

    def fault_of(self, call: Call) -> Fault:
        fault = self._chance.choice(FAULTS) if self.forgets and call.method == "POST" else NO_FAULT
        self.lost.update(list(fault.words))
        return fault


class Warehouse(_Forgetful, MockOrderFlow):
    slow = 0.0
    """Seconds after which imports that come from now on are answered."""
    slowed = 0

    def fault_of(self, call: Call) -> Fault:
        if self.slow and "/imports/" in call.path:
            self.slowed += 1
            return Fault({"late": f"{self.slow:g}"})
        return super().fault_of(call)

    def held(self) -> dict[str, list[int]]:
        """The quantities of the open orders of each reference."""
        found: dict[str, list[int]] = {}
        for order in list(self.site.orders.values()):
            if order.open:
                found.setdefault(order.properties["externalReference"], []).append(order.lines[0].quantity)
        return found


class Supplier(_Forgetful, MockSupplier):
    def last_told(self) -> dict[str, dict]:
        """Of each order token the last event; a repeat is the event again."""
        return {event["orderToken"].lower(): event for event in self.events if event["status"] == 202}

    def fetched_for(self) -> dict[str, dict]:
        """What was fetched after each event, by webhook id."""
        return {fetch["webhookId"]: fetch["order"] for fetch in self.fetched if fetch["order"]}


class Partners(Party):
    """A tenant of its own, whose only supplier and only warehouse take every line of every order."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._slug = scene, f"partners-{secrets.token_hex(3)}"
        self.warehouse = Warehouse(users={"hub": PASSWORD})
        self.supplier = Supplier(account=HubAccount(f"http://127.0.0.1:{scene.hub.port}", f"{self._slug}-told", SECRET))
        for seed, partner in enumerate((self.warehouse, self.supplier)):
            partner.forget_some(seed)
        self.figures: list[str] = []
        """Sentences of the verdict."""
        self.found: list[str] = []
        """Violations that were seen while the fault lasted."""
        self._running = ExitStack()

    def __enter__(self) -> Partners:
        self.warehouse.site.add_product(ITEM, channel="MYCHANNEL")
        for partner in (self.warehouse, self.supplier):
            self._running.enter_context(partner)
        with self._scene.connect() as connection:
            connection.execute(EMPTY)
        file = self._scene.stack.folder / f"{self._slug}.yaml"
        file.write_text(json.dumps({"tenants": [self._tenant()]}))  # JSON is YAML
        outward(self._scene.stack).manage("onboard", str(file))
        self.token = self._scene.stack.token(self._scene.hub.port, client_id=self._slug, secret=SECRET)
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.close()
        Ledger(self._scene.stack.servers.database_url).forget_secrets()

    def body(self, order: str, chance: random.Random) -> bytes:
        return body(order, status=chance.choice(STATUSES), quantity=chance.choice(QUANTITIES))

    def forget(self, forgets: bool) -> None:
        self.warehouse.forgets = self.supplier.forgets = forgets

    @property
    def told(self) -> str:
        lost = self.warehouse.lost + self.supplier.lost
        held = len(self.warehouse.held()), len(self.supplier.last_told())
        sentences = [
            f" {lost['lost']} answers were lost and {lost['late']} late, {lost['delay']} requests slow.",
            f"In the end the warehouse holds {held[0]} orders, and the supplier was notified of {held[1]}.",
            *self.figures,
        ]
        return " ".join(sentences)

    def settled(self) -> list[str]:
        self.forget(False)
        wait_until(lambda: not self._rows(OWED)[0][0], seconds=SETTLE_SECONDS, every=0.2, why=lambda: "still owed")
        wanted = {order: _wanted(json.loads(document)) for order, document in self._rows(ORDERS)}
        tokens = {order: token.lower() for order, token in self._rows(PARTS)}
        self._wait_for_fetches(tokens)
        dead = self._rows("SELECT kind, error FROM orders_delivery WHERE status = 'dead'")
        return [
            *self.found,
            *(f"dead: {kind}: {error}" for kind, error in dead),
            *warehouse_violations(wanted, self.warehouse.held()),
            *supplier_violations(wanted, {order: self._supplier_holds(token) for order, token in tokens.items()}),
        ]

    def _wait_for_fetches(self, tokens: dict[str, str]) -> None:
        """Those that belong to the last events; what is missing in the end is a violation."""
        until = time.monotonic() + FIRST_FETCHES_SECONDS
        while time.monotonic() < until and not all(map(self._supplier_holds, tokens.values())):
            time.sleep(0.1)

    def _supplier_holds(self, token: str) -> tuple[str, int] | None:
        """Status and quantity as the supplier knows them; a cancelled one's quantity means nothing."""
        event = self.supplier.last_told().get(token)
        if event is None:
            return None
        if event["eventType"] == "order_cancelled":
            return "CANCELLED", 0
        order = self.supplier.fetched_for().get(event["webhookId"])
        return order and _held_by_supplier(order)

    def _rows(self, sql: str) -> list[tuple]:
        with psycopg.connect(self._scene.stack.servers.database_url, connect_timeout=5) as connection:
            return connection.execute(sql).fetchall()

    def _tenant(self) -> dict[str, object]:
        scopes = ["customer-orders:read", "customer-orders:write"]
        told = {
            "client_id": f"{self._slug}-told",
            "client_secret": SECRET,
            "scopes": ["supplier-orders:read", "events"],
        }
        return {
            "id": self._slug,
            "name": self._slug,
            "mode": "events",
            "api_clients": [{"client_id": self._slug, "client_secret": SECRET, "scopes": scopes}],
            "suppliers": [
                {"id": "told", "name": "Told", "item_patterns": ["*"], "api_client": told,
                 "webhook": {"url": self.supplier.hook_url, "events": EVENTS, "concurrency": AT_ONCE}}
            ],
            "orderflow_channels": [
                {"id": "main", "base_url": self.warehouse.base_url, "channel": "MYCHANNEL", "item_patterns": ["*"],
                 "auth": {"type": "headers", "username": "hub", "password": PASSWORD}}
            ],
        }  # fmt: skip


def warehouse_violations(wanted: dict[str, tuple[str, int]], held: dict[str, list[int]]) -> list[str]:
    """Exactly the orders that are not cancelled, each once, as it is now."""
    must = {order: [quantity] for order, (status, quantity) in wanted.items() if status != "CANCELLED"}
    return [
        f"warehouse: it holds {held.get(order, [])} of {order}, wanted is {must.get(order, [])}"
        for order in sorted(must.keys() | held.keys())
        if must.get(order, []) != held.get(order, [])
    ]


def supplier_violations(wanted: dict[str, tuple[str, int]], told: dict[str, tuple[str, int] | None]) -> list[str]:
    """Of every part the last state; an order that was always cancelled needs no part, and a cancelled one no lines."""
    return [
        f"supplier: it knows {told.get(order)} of {order}, which is {now}"
        for order, now in sorted(wanted.items())
        if not (_cancelled(told.get(order, now)) if _cancelled(now) else told.get(order) == now)
    ]


def _cancelled(state: tuple[str, int] | None) -> bool:
    return state is not None and state[0] == "CANCELLED"


def _wanted(document: dict) -> tuple[str, int]:
    order = document.get("customerOrder", document)
    return order["status"], int(order["items"][0]["quantityOrdered"])


def _held_by_supplier(order: dict) -> tuple[str, int]:
    return order["status"], int(order["items"][0]["quantityOrdered"])
