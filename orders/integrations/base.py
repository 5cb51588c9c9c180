"""The base class of integrations: one kind of partner, or one way in which a tenant's orders are read.

An app derives one class from ``Integration`` and settings.INTEGRATIONS names it. Every method has a default that does
nothing, so an integration writes only what it needs. docs/guides/adding-an-integration.md has a complete example.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import URLPattern
from prometheus_client.core import GaugeMetricFamily

from orders.integrations.channels import Channel
from orders.integrations.console import Attention, DestinationAction, Fact, ItemTaker, Measure, ModeNote, PageLink
from orders.integrations.erasure import Erasure, Step
from orders.integrations.onboarding_sections import Section
from orders.integrations.onboarding_steps import Step as OnboardingStep
from orders.integrations.periodic import Periodic
from orders.integrations.self_test import Trial
from orders.integrations.sources import OwnSystem
from orders.models import ApiClient, Destination, OrderQueue, Tenant
from orders.values.order_key import OrderKey


class Integration:
    """What the core asks of an app. ``tenant_id`` None means all tenants."""

    def own_system(self) -> OwnSystem | None:
        """How orders of tenants in proxy mode are read from their own system; one integration alone gives it."""
        return None

    def channels(self) -> Mapping[str, Channel]:
        """Channels by the name that ``Destination.channel`` holds."""
        return {}

    def onboarding_sections(self) -> Mapping[str, Section]:
        """Keys of a tenant in the onboarding file."""
        return {}

    def onboarding_steps(self) -> Sequence[OnboardingStep]:
        """Steps of the onboarding page, shown in the order of their ``position``."""
        return ()

    def unknown_members(self, tenant_id: int, since: datetime) -> Iterable[str]:
        """Pointers of members of the tenant's orders that were read since then and that the schema does not know."""
        return ()

    def mode_notes(self, tenant: Tenant, mode: str) -> Iterable[ModeNote]:
        """What switching the tenant to ``mode`` needs or changes here."""
        return ()

    def why_not_read_from(self, tenant: Tenant, external_url: str) -> str:
        """Why the tenant's orders may not be read from another address with what is stored; empty where they may."""
        return ""

    def why_stopped(self, client: ApiClient) -> str:
        """Why an API client may not be switched on; empty where it may."""
        return ""

    def self_test(self, tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
        """What the self-test of a tenant tries, one after the other."""
        yield from ()

    def attention(self, tenant_id: int | None) -> Iterable[Attention]:
        """Problems that need a person, for the home page."""
        return ()

    def tenant_facts(self, tenants: Sequence[Tenant]) -> Mapping[int, Sequence[Fact]]:
        """What the home page shows of each tenant, by its id."""
        return {}

    def alert_measures(self) -> Mapping[str, Measure]:
        """What alert rules can measure, by name."""
        return {}

    def gauges(self) -> Iterator[GaugeMetricFamily]:
        """Gauges for /metrics."""
        yield from ()

    def find_orders(self, text: str, tenant_id: int | None) -> Iterator[tuple[str, Iterable[OrderKey]]]:
        """Orders that ``text`` names by an id which only this integration knows: the kind of id, and the orders."""
        yield from ()

    def order_links(self, key: OrderKey) -> Sequence[PageLink]:
        """Buttons on the page of an order."""
        return ()

    def item_takers(self, tenant_id: int) -> Sequence[ItemTaker]:
        """Who takes which items, to warn of an item that two integrations send."""
        return ()

    def destination_actions(self, destination: Destination) -> Sequence[DestinationAction]:
        """Buttons on the page of a destination of this integration."""
        return ()

    def fulfilment(self, key: OrderKey) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Members of the API's answer about the fulfilment of an order: name, and JSON objects."""
        return {}

    def erase(self, queue: OrderQueue, erasure: Erasure) -> Iterator[Step]:
        """Erase what is kept of a customer's order, in steps of a bounded number of rows."""
        yield from ()

    def periodic_work(self) -> Sequence[Periodic]:
        """Work that is done every so often, beside sending deliveries."""
        return ()

    def api_urls(self) -> Sequence[URLPattern]:
        """Addresses of the HTTP API, matched on the raw, percent-encoded path."""
        return ()
