"""The simulated partners of the demo, each a real HTTP server on a free loopback port."""

from __future__ import annotations

from dataclasses import dataclass

from orderflow.mock_orderflow import MockOrderFlow
from proxy.mock_oms import MockOms
from suppliers.mock_supplier import MockSupplier
from suppliers.mock_supplier_client import HubAccount


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
