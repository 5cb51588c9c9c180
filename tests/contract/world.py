"""A furnished tenant: one applied order, one dead event, a notified supplier, a warehouse with a product."""

from __future__ import annotations

from dataclasses import dataclass

from orderflow.catalogue.products import put_products
from orderflow.models import OrderFlowChannel
from orders.access.bearer_tokens import forget_tokens
from orders.models import ApiClient, Delivery, Destination, OrderEvent, Tenant
from proxy.credentials import store
from proxy.models import ProxyConfig
from suppliers.models import Supplier, SupplierPart, Webhook
from tests.api_fixtures import Api
from tests.bodies import body

UNIT = "store-1"
DEAD = ("fault-always-1", "fault-always-2")
EVERY_SECRET_LONG = "correct-horse-battery-staple"


@dataclass(frozen=True, slots=True)
class Furnished:
    """The tenant's ids, by the names that the addresses have for them."""

    tenant: Tenant
    supplier: Supplier
    order: str
    event: str
    spare: str
    """Another dead event."""
    part: str
    delivery: str

    @property
    def ids(self) -> dict[str, str]:
        """What fills the gaps of an address."""
        return {
            "unit": UNIT, "order": self.order, "event": self.event, "spare": self.spare, "part": self.part,
            "delivery": self.delivery, "slug": self.tenant.slug,
        }  # fmt: skip

    def switch(self, mode: str) -> None:
        Tenant.objects.filter(pk=self.tenant.pk).update(mode=mode)
        forget_tokens()


def furnish(tenant: Tenant, *, order: str, supplier: ApiClient, token: str, apply_all) -> Furnished:
    """``order`` is the id of the one that is applied, ``token`` writes it.

    Everything that would be sent is held: its destinations are paused.
    """
    beans = _add_partners(tenant, supplier)
    api = Api(token)
    for order_id in (order, *DEAD):
        assert api.put(f"/api/v1/business-units/{UNIT}/customer-orders/{order_id}", body(order_id)).status_code == 202
    apply_all()
    delivery = Delivery.objects.get(destination__tenant=tenant, destination__channel="supplier")
    config = ProxyConfig(tenant=tenant, type="basic", public={"username": "u"}, set_by=ProxyConfig.SetBy.TENANT)
    store(config, EVERY_SECRET_LONG)
    dead = [str(event.pk) for event in OrderEvent.objects.filter(tenant=tenant, status="dead").order_by("pk")]
    return Furnished(
        tenant=tenant,
        supplier=beans,
        order=order,
        event=dead[0],
        spare=dead[1],
        part=SupplierPart.objects.get(supplier=beans).token,
        delivery=str(delivery.pk),
    )


def _add_partners(tenant: Tenant, client: ApiClient) -> Supplier:
    held = {"tenant": tenant, "state": "paused", "state_reason": "by hand"}
    hook = Destination.objects.create(channel="supplier", name="beans", **held)
    beans = Supplier.objects.create(
        tenant=tenant, slug="beans", name="Beans", position=0, item_patterns=["*"], api_client=client
    )
    Webhook.objects.create(supplier=beans, destination=hook, url="http://127.0.0.1:9/hook", events=["order_created"])
    main = Destination.objects.create(channel="orderflow", name=f"main-{tenant.slug}", **held)
    channel = OrderFlowChannel.objects.create(
        destination=main, base_url="http://127.0.0.1:9", channel="X", username="u", item_patterns=["*"]
    )
    put_products(channel, {"BEAN-1": {"description": "Green beans"}})
    return beans
