"""The OrderFlow warehouse as an integration: products and orders out, despatches in (docs/guides/warehouse.md)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import F
from django.urls import URLPattern, reverse

from orderflow import attention, fulfilment, urls
from orderflow.despatches import DespatchPolling
from orderflow.imports.channel import OrderFlowImports
from orderflow.models import Despatch, OrderFlowChannel, WarehouseOrder
from orderflow.onboarding import self_test
from orderflow.onboarding.section import Channels
from orderflow.onboarding.step import WarehousesStep
from orders.integrations import Integration
from orders.integrations.channels import Channel
from orders.integrations.console import Attention, DestinationAction, ItemTaker, PageLink
from orders.integrations.erasure import Erasure, Step
from orders.integrations.onboarding_sections import Section
from orders.integrations.onboarding_steps import Step as OnboardingStep
from orders.integrations.periodic import Periodic
from orders.integrations.self_test import Trial
from orders.models import Destination, OrderQueue, Tenant
from orders.values.order_key import OrderKey

MOST_FOUND = 50
"""Orders found by one reference: each site has its own references, so a few channels may know it."""


class OrderFlowIntegration(Integration):
    def channels(self) -> Mapping[str, Channel]:
        return {"orderflow": OrderFlowImports()}

    def onboarding_sections(self) -> Mapping[str, Section]:
        return {"orderflow_channels": Channels()}

    def onboarding_steps(self) -> Sequence[OnboardingStep]:
        return [WarehousesStep()]

    def self_test(self, tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
        return self_test.trials(tenant, who=who)

    def attention(self, tenant_id: int | None) -> Iterable[Attention]:
        return attention.problems(tenant_id)

    def find_orders(self, text: str, tenant_id: int | None) -> Iterator[tuple[str, Iterable[OrderKey]]]:
        """By the reference that the warehouse knows the order by."""
        places = WarehouseOrder.objects.filter(reference__in={text, text.upper()})
        own = places if tenant_id is None else places.filter(channel__destination__tenant=tenant_id)
        rows = own.select_related("channel__destination")[:MOST_FOUND]
        yield "OrderFlow reference", (place.key(place.channel.destination.tenant_id) for place in rows)

    def order_links(self, key: OrderKey) -> Sequence[PageLink]:
        if not OrderFlowChannel.objects.filter(destination__tenant=key.tenant_id).exists():
            return []
        place = {"tenant": key.tenant_id, "unit": key.business_unit_id, "order": key.customer_order_id}
        page = reverse("admin:orderflow_warehouseorder_warehouses")
        return [PageLink("Show what warehouses would get and hold", f"{page}?{urlencode(place)}")]

    def item_takers(self, tenant_id: int) -> Sequence[ItemTaker]:
        channels = OrderFlowChannel.objects.filter(destination__tenant=tenant_id, destination__active=True)
        return [
            ItemTaker("warehouse", channel.destination.name, channel.item_patterns, channel.business_units)
            for channel in channels.select_related("destination").order_by("pk")
        ]

    def destination_actions(self, destination: Destination) -> Sequence[DestinationAction]:
        channel = OrderFlowChannel.objects.filter(destination=destination).first()
        if channel is None:
            return []
        return [
            DestinationAction(
                "Correct the credentials",
                "Opens the channel: its user name and password. A new password lets a stopped channel go on.",
                reverse("admin:orderflow_orderflowchannel_change", args=(channel.pk,)),
            ),
            DestinationAction(
                "Try the XML and the login",
                "Opens the warehouses' step of the onboarding page; the test there imports nothing.",
                f"{reverse('admin:orders_tenant_onboard', args=(destination.tenant_id,))}#warehouses",
            ),
        ]

    def fulfilment(self, key: OrderKey) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {"warehouses": fulfilment.parts(key)}

    def erase(self, queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
        """By value. The reference and the digests stay: nothing is imported anew."""
        text = erasure.text()
        places = WarehouseOrder.objects.filter(
            channel__destination__tenant=queue.tenant_id,
            business_unit_id=queue.business_unit_id,
            customer_order_id=queue.customer_order_id,
        )
        despatches = Despatch.objects.filter(
            channel__orders__in=places, order_reference=F("channel__orders__reference")
        )
        yield from erasure.rewrite("warehouse refusals", places, {"failure": text})
        yield from erasure.rewrite("despatches", despatches, {"state": text, "courier": text, "tracking_url": text})

    def periodic_work(self) -> Sequence[Periodic]:
        return [DespatchPolling()]

    def api_urls(self) -> Sequence[URLPattern]:
        return urls.urlpatterns
