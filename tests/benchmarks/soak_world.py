"""Who takes part in a soak: three tenants, suppliers, warehouses, an order service; one of each kind misbehaves.

calm     puts at a steady pace; its orders go to two suppliers (one hangs) and two warehouses (one answers errors)
flood    puts as fast as it can for some seconds, again and again
through  reads through to an order service that takes two seconds for every answer
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.deliveries import Endpoints, endpoints
from tests.benchmarks.proxied import Oms, onboard, order_service
from tests.benchmarks.stack import Stack
from tests.processes import HubProcess, free_port

SECRET = "bench-soak-secret-0123456789-0123456789"
PASSWORD = "bench-password"
OMS_DELAY_MS = 2_000
WAREHOUSE_MS = 20
ITEMS = ("TOLD-1",) * 14 + ("HANGS-1",) * 2 + ("KEPT-1",) * 3 + ("ERRS-1",)
"""Of twenty orders: who is to know of them, by the item."""
MISBEHAVING = {"supplier hangs", "warehouse errs"}
FOR_EVER = 10_000_000


@dataclass(frozen=True)
class World:
    receiver: Endpoints
    oms: Oms


@contextmanager
def world(stacked: Stack) -> Iterator[World]:
    """Partners started, tenants onboarded; ``stacked`` must be allowed to speak to loopback."""
    with (
        endpoints(stacked) as receiver,
        order_service(stacked, delay_ms=OMS_DELAY_MS) as oms,
        _warehouse(stacked, "keeps") as keeps,
        _warehouse(stacked, "errs") as errs,
    ):
        receiver.ask(1, "hang")
        _ask(f"{errs}/_fault", {"status": 500, "times": FOR_EVER})
        onboard(stacked, "through", oms)
        _onboard(stacked, receiver, {"keeps": keeps, "errs": errs})
        yield World(receiver, oms)


@contextmanager
def _warehouse(stacked: Stack, name: str) -> Iterator[str]:
    port = free_port()
    known = [word for item in set(ITEMS) for word in ("--product", item)]
    command = [sys.executable, "manage.py", "mock_orderflow", "--port", str(port), "--delay", str(WAREHOUSE_MS)]
    command += ["--password", PASSWORD, "--user", "hub", *known]
    with HubProcess(command, environ=stacked.environ, log=stacked.folder / f"warehouse-{name}.log") as site:
        site.wait_for_status(f"http://127.0.0.1:{port}/_state")
        yield f"http://127.0.0.1:{port}"


def _ask(url: str, body: dict[str, object]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()


def _onboard(stacked: Stack, receiver: Endpoints, warehouses: dict[str, str]) -> None:
    calm = {
        **_tenant("calm"),
        "suppliers": [_supplier("well", "TOLD-*", receiver.url(0)), _supplier("hangs", "HANGS-*", receiver.url(1))],
        "orderflow_channels": [
            _channel("keeps", "KEPT-*", warehouses["keeps"]), _channel("errs", "ERRS-*", warehouses["errs"])
        ],
    }  # fmt: skip
    file = stacked.folder / "soak.yaml"
    file.write_text(json.dumps({"tenants": [calm, _tenant("flood")]}))  # JSON is YAML
    stacked.manage("onboard", str(file))


def _tenant(slug: str) -> dict[str, object]:
    client = {"client_id": slug, "client_secret": SECRET, "scopes": ["customer-orders:read", "customer-orders:write"]}
    return {"id": slug, "name": slug, "mode": "events", "api_clients": [client]}


def _supplier(name: str, pattern: str, url: str) -> dict[str, object]:
    client = {"client_id": name, "client_secret": SECRET, "scopes": ["supplier-orders:read", "events"]}
    return {"id": name, "name": name, "item_patterns": [pattern], "api_client": client, "webhook": {"url": url}}


def _channel(name: str, pattern: str, url: str) -> dict[str, object]:
    return {
        "id": name,
        "base_url": f"{url}/rtd2-host",
        "channel": "MYCHANNEL",
        "auth": {"type": "headers", "username": "hub", "password": PASSWORD},
        "item_patterns": [pattern],
    }
