"""Suppliers as an integration: webhooks out, the Order Data API and reports in (docs/guides/suppliers.md)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.urls import URLPattern, reverse
from prometheus_client.core import GaugeMetricFamily

from orders.database.ids import read_id
from orders.integrations import Integration
from orders.integrations.channels import Channel
from orders.integrations.console import Attention, DestinationAction, ItemTaker, Measure
from orders.integrations.erasure import Erasure, Step
from orders.integrations.onboarding_sections import Section
from orders.integrations.onboarding_steps import Step as OnboardingStep
from orders.integrations.self_test import Trial
from orders.models import ApiClient, Destination, OrderQueue, Tenant
from orders.values.order_key import OrderKey
from suppliers import attention, fulfilment, urls
from suppliers.models import PartDelivery, Supplier, SupplierEvent, SupplierPart, Webhook
from suppliers.onboarding import self_test
from suppliers.onboarding.section import Suppliers
from suppliers.onboarding.step import SuppliersStep
from suppliers.webhooks import webhook_secrets
from suppliers.webhooks.channel import SupplierWebhooks


class SupplierIntegration(Integration):
    def channels(self) -> Mapping[str, Channel]:
        return {"supplier": SupplierWebhooks()}

    def onboarding_sections(self) -> Mapping[str, Section]:
        return {"suppliers": Suppliers()}

    def onboarding_steps(self) -> Sequence[OnboardingStep]:
        return [SuppliersStep()]

    def why_stopped(self, client: ApiClient) -> str:
        stopped = Supplier.objects.filter(api_client=client, active=False).first()
        if stopped is None:
            return ""
        return f"Its supplier {stopped} is switched off; switch the supplier on, and its client with it."

    def self_test(self, tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
        return self_test.trials(tenant, who=who)

    def attention(self, tenant_id: int | None) -> Iterable[Attention]:
        return attention.problems(tenant_id)

    def alert_measures(self) -> Mapping[str, Measure]:
        return {"not_fetched": attention.NOT_FETCHED}

    def gauges(self) -> Iterator[GaugeMetricFamily]:
        return attention.gauges()

    def find_orders(self, text: str, tenant_id: int | None) -> Iterator[tuple[str, Iterable[OrderKey]]]:
        """By order token, also of a supplier without a webhook, and by the id of a supplier's event."""
        wanted = read_id(text)
        if wanted is None:
            return
        own = {} if tenant_id is None else {"tenant": tenant_id}
        yield "order token", (part.key for part in SupplierPart.objects.filter(order_token=wanted, **own))
        events = SupplierEvent.objects.filter(pk=wanted).select_related("part")
        yield "supplier's event id", (event.part.key for event in events if event.part)

    def item_takers(self, tenant_id: int) -> Sequence[ItemTaker]:
        suppliers = Supplier.objects.filter(tenant=tenant_id, active=True)
        return [ItemTaker("supplier", one.name, one.item_patterns) for one in suppliers.order_by("position")]

    def destination_actions(self, destination: Destination) -> Sequence[DestinationAction]:
        webhook = Webhook.objects.filter(destination=destination).first()
        return [] if webhook is None else _webhook_actions(webhook)

    def fulfilment(self, key: OrderKey) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {"suppliers": fulfilment.parts(key)}

    def erase(self, queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
        """By value: free words of a supplier may name the customer. Digests and tokens stay."""
        place, text = queue.key._asdict(), erasure.text()
        parts = SupplierPart.objects.filter(**place)
        ids = list(parts.values_list("pk", flat=True))
        reports, parcels = SupplierEvent.objects.filter(part__in=ids), PartDelivery.objects.filter(part__in=ids)
        words = {"status": text, "carrier": text, "tracking_url": text}  # items are ids and quantities
        yield from erasure.rewrite("supplier reports", reports, {"body": erasure.body()})
        yield from erasure.rewrite("supplier statuses", parts, {"status": text, "status_comment": text, "lines": text})
        yield from erasure.rewrite("supplier deliveries", parcels, words)

    def api_urls(self) -> Sequence[URLPattern]:
        return urls.urlpatterns


def _webhook_actions(webhook: Webhook) -> list[DestinationAction]:
    hours = round(webhook_secrets.OVERLAP.total_seconds() / 3600)
    return [
        DestinationAction(
            "Send a test event",
            "A signed order_created of no order goes there now; what comes back is shown. It requires no delivery.",
            _page("send_test_event", webhook),
        ),
        DestinationAction(
            "Verify the endpoint",
            "A signed test event must be accepted, then one with a wrong signature must be refused.",
            _page("verify_endpoint", webhook),
        ),
        DestinationAction(
            "Rotate the signing secret",
            f"A new secret is made and shown once. The present one signs beside it for {hours} hours.",
            _page("rotate_secret", webhook),
        ),
        DestinationAction("Open the webhook", "Its address, events and credentials.", _page("change", webhook)),
    ]


def _page(name: str, webhook: Webhook) -> str:
    return reverse(f"admin:suppliers_webhook_{name}", args=(webhook.pk,))
