"""Proxy mode as an integration: orders are read from the tenant's own system (docs/guides/external-service.md)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.urls import URLPattern

from orders.documents.checks import NO_MEMBER
from orders.integrations import Integration
from orders.integrations.console import Attention, Fact, ModeNote
from orders.integrations.onboarding_sections import Section
from orders.integrations.onboarding_steps import Step as OnboardingStep
from orders.integrations.self_test import Trial
from orders.integrations.sources import OwnSystem
from orders.models import Tenant
from proxy import attention, urls
from proxy.credentials import would_go_elsewhere
from proxy.models import ContractDrift, ProxyConfig
from proxy.onboarding import self_test
from proxy.onboarding.section import ANOTHER_HOST, ProxyAuth
from proxy.onboarding.step import OrderService
from proxy.sources import ProxiedOrders


class ProxyIntegration(Integration):
    def own_system(self) -> OwnSystem:
        return ProxiedOrders()

    def onboarding_sections(self) -> Mapping[str, Section]:
        return {"proxy_auth": ProxyAuth()}

    def onboarding_steps(self) -> Sequence[OnboardingStep]:
        return [OrderService()]

    def unknown_members(self, tenant_id: int, since: datetime) -> Iterable[str]:
        rows = ContractDrift.objects.filter(tenant=tenant_id, expected=NO_MEMBER, last_seen_at__gte=since)
        return rows.filter(pointer__startswith="/customerOrder/").values_list("pointer", flat=True)

    def mode_notes(self, tenant: Tenant, mode: str) -> Iterator[ModeNote]:
        stored = ProxyConfig.objects.filter(tenant=tenant).exists()
        if mode == Tenant.Mode.EVENTS and stored:
            yield ModeNote("The credentials of the order service are kept, and not used.")
        if mode != Tenant.Mode.EVENTS and not stored:
            yield ModeNote(
                "No credentials of the order service are stored: reads fail until they are entered on the onboarding "
                "page or the tenant sets them (PUT /api/v1/proxy-config)."
            )

    def why_not_read_from(self, tenant: Tenant, external_url: str) -> str:
        config = ProxyConfig.objects.filter(tenant=tenant).first()
        if config and would_go_elsewhere(config, before=tenant.external_url, after=external_url):
            return f"The external URL {ANOTHER_HOST}."
        return ""

    def self_test(self, tenant: Tenant, *, who: str) -> Generator[Trial, None, None]:
        return self_test.trials(tenant, who=who)

    def attention(self, tenant_id: int | None) -> Iterable[Attention]:
        return attention.problems(tenant_id)

    def tenant_facts(self, tenants: Sequence[Tenant]) -> Mapping[int, Sequence[Fact]]:
        return attention.facts(tenants)

    def api_urls(self) -> Sequence[URLPattern]:
        return urls.urlpatterns
