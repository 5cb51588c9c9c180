"""The stage of the drill: two web servers, a worker and a scheduler as processes, and every partner simulated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orderflow.simulator.server import MockOrderFlow
from proxy.simulator.server import MockOms
from suppliers.simulator.server import MockSupplier
from tests.migration_drill.till import Hub
from tests.processes import HubProcess, free_port

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "HUB_OUTBOUND_ALLOW_HTTP": "true",
    "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
    "HUB_BIND": "127.0.0.1",
    "HUB_WEB_PROCESSES": "1",
    "HUB_WORKER_PROCESSES": "1",
}
"""One process per web server, so that both that are asked have a memory of their own."""
START_SECONDS = 240
"""Ten on a machine of its own."""
SECRET = "a-secret-of-the-drill-0123456789-0123456789"


@dataclass(frozen=True)
class Scene:
    hubs: list[Hub]
    oms: MockOms
    supplier: MockSupplier
    warehouse: MockOrderFlow
    environ: dict[str, str]
    folder: Path

    def manage(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def told(self) -> list[str]:
        """What the supplier and the warehouse got: event types and order references."""
        imported = [order.reference for order in self.warehouse.site.orders.values()]
        return [one["eventType"] for one in self.supplier.events] + imported


@contextmanager
def scene(environ: dict[str, str], folder: Path) -> Iterator[Scene]:
    """The tenant drill in proxy mode, everything running."""
    ports = [free_port(), free_port()]
    environ = environ | SMALL | {"HUB_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}"}
    with ExitStack() as stack:
        oms = stack.enter_context(MockOms(basic=("u", "p")))
        supplier = stack.enter_context(MockSupplier())
        warehouse = stack.enter_context(MockOrderFlow(users={"philz": "pass"}))
        started = [_started(stack, ["serve"], environ | {"PORT": str(port)}, folder) for port in ports]
        for name in ("worker", "beat"):
            _started(stack, [name], environ, folder)
        for port, process in zip(ports, started, strict=True):
            process.wait_for_status(f"http://127.0.0.1:{port}/readyz", seconds=START_SECONDS)
        file = folder / "drill.json"
        file.write_text(json.dumps(onboarding_file(oms, supplier, warehouse)))
        made = Scene([], oms, supplier, warehouse, environ, folder)
        made.manage("onboard", str(file))
        made.hubs.extend(Hub(f"http://127.0.0.1:{port}", "drill-oms", SECRET) for port in ports)
        yield made


def _started(stack: ExitStack, words: list[str], environ: dict[str, str], folder: Path) -> HubProcess:
    log = folder / f"{words[0]}-{environ.get('PORT', '')}.log"
    return stack.enter_context(HubProcess([sys.executable, "manage.py", *words], environ=environ, log=log))


def onboarding_file(oms: MockOms, supplier: MockSupplier, warehouse: MockOrderFlow) -> dict[str, object]:
    tenant = {
        "id": "drill",
        "name": "Drill",
        "mode": "proxy",
        "external_url": oms.api_url,
        "proxy_auth": {"type": "basic", "config": {"username": "u", "password": "p"}},
        "status_map": {"NEW": "CREATED"},
        "api_clients": [
            {
                "client_id": "drill-oms",
                "client_secret": SECRET,
                "scopes": ["customer-orders:read", "customer-orders:write"],
            }
        ],
        "suppliers": [
            {
                "id": "beans",
                "name": "Beans",
                "item_patterns": ["BEAN-*"],
                "webhook": {"url": supplier.hook_url, "events": ["order_created", "order_updated", "order_cancelled"]},
            }
        ],
        "orderflow_channels": [
            {
                "id": "main",
                "base_url": warehouse.base_url,
                "channel": "MYCHANNEL",
                "auth": {"type": "headers", "username": "philz", "password": "pass"},
                "products": [{"externalReference": "MUG-1", "description": "Mug", "weight": "240"}],
            }
        ],
    }
    return {"tenants": [tenant]}
