"""The simulated partners of the demo, each a real HTTP server on a free loopback port."""

from __future__ import annotations

from dataclasses import dataclass

from orderflow.simulator.server import MockOrderFlow
from proxy.simulator.server import MockOms
from suppliers.simulator.hub_client import HubAccount
from suppliers.simulator.server import MockSupplier


@dataclass(frozen=True, slots=True)
class Partners:
    oms: MockOms
    supplier: MockSupplier
    warehouse: MockOrderFlow

    def stop(self) -> None:
        for partner in (self.oms, self.supplier, self.warehouse):
            partner.stop()


def start_partners(hub_url: str, secrets: dict[str, str]) -> Partners:
    """Start all three; they listen when this returns."""
    partners = Partners(
        oms=MockOms(basic=("demo", secrets["oms_password"]), client=("demo-hub", secrets["oms_client"])),
        supplier=MockSupplier(
            account=HubAccount(hub_url, "demo-beans", secrets["supplier"]), signing_secrets=(secrets["signing"],)
        ),
        warehouse=MockOrderFlow(channels=("DEMO",), users={"demo": secrets["warehouse_password"]}),
    )
    for partner in (partners.oms, partners.supplier, partners.warehouse):
        partner.start()
    return partners
