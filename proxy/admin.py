"""The proxy app in the admin: what is set (never the secret) and where answers left the contract. Both read-only."""

from __future__ import annotations

from django.contrib import admin

from orders.admin.base import EvidenceAdmin, HistoryAdmin
from proxy import breaker
from proxy.models import ContractDrift, ProxyConfig


@admin.register(ProxyConfig)
class ProxyConfigAdmin(HistoryAdmin, EvidenceAdmin):
    """Set by the tenant (PUT /api/v1/proxy-config) or in the onboarding file."""

    list_display = ("tenant", "type", "set_by", "changed_at", "breaker")
    list_filter = ("type", "set_by")
    search_fields = ("tenant__slug", "tenant__name")
    list_select_related = ("tenant",)
    fields = ("tenant", "type", "public", "set_by", "changed_at", "breaker")
    readonly_fields = fields

    @admin.display(description="breaker")
    def breaker(self, config: ProxyConfig) -> str:
        return breaker.state(config.tenant_id)


@admin.register(ContractDrift)
class ContractDriftAdmin(EvidenceAdmin):
    list_display = ("tenant", "pointer", "expected", "found", "count", "first_seen_at", "last_seen_at")
    list_filter = ("tenant",)
    search_fields = ("tenant__slug", "pointer")
    list_select_related = ("tenant",)
    ordering = ("-last_seen_at",)
