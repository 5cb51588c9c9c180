"""The proxy app in the admin: settings (never the secret), connection test, and contract drift."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action

from orders.admin.base import EvidenceAdmin, HistoryAdmin, bound_tenant
from orders.documents import check_id
from orders.integrations.self_test import Step
from orders.values.labels import link, mark
from orders.values.problems import ProxyNotConfigured
from proxy import breaker
from proxy.connection_test import ConnectionTest
from proxy.credentials import read_credentials
from proxy.models import ContractDrift, ProxyConfig

EFFECT = (
    "Calls {tenant}'s order service at {url} as a till's read would: name, connection, encryption, token, one "
    "order{more}, and whether the answers keep the contract. Nothing is changed there. The breaker neither "
    "prevents this call nor counts it."
)
BREAKER_MARKS = {
    "closed": ("answering normally", "ok"),
    "half-open": ("being probed", "waiting"),
    "open": ("not asked for now", "stopped"),
}


@admin.register(ProxyConfig)
class ProxyConfigAdmin(HistoryAdmin, EvidenceAdmin):
    """Set by the tenant (PUT /api/v1/proxy-config) or in the onboarding file."""

    list_display = ("tenant", "type", "set_by", "changed_at", "breaker")
    list_filter = ("type", "set_by")
    search_fields = ("tenant__slug", "tenant__name")
    list_select_related = ("tenant",)
    fields = ("tenant", "type", "public", "set_by", "changed_at", "breaker", "drift")
    readonly_fields = fields
    actions_detail = ("test_connection",)

    @admin.display(description="order service")
    def breaker(self, config: ProxyConfig) -> SafeString:
        return mark(*BREAKER_MARKS[breaker.state(config.tenant_id)])

    @admin.display(description="contract drift")
    def drift(self, config: ProxyConfig) -> SafeString | str:
        seen = ContractDrift.objects.filter(tenant_id=config.tenant_id).count()
        page = f"{reverse('admin:proxy_contractdrift_changelist')}?of={config.tenant_id}"
        return link(page, f"{seen} place(s) where answers break the contract") if seen else "none seen"

    @action(
        description="Test the connection", url_path="test-connection", permissions=["operate"], icon="network_check"
    )  # type: ignore[untyped-decorator]
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET shows what it will do; POST does it."""
        config = self.get_object(request, object_id)
        if config is None:
            raise PermissionDenied
        unit, order = (request.POST.get(name, "").strip() for name in ("unit", "order"))
        fault, steps = "", list[Step]()
        if request.method == "POST":
            fault = _fault(unit, order)
            steps, fault = _tried(config, request, unit, order) if not fault else ([], fault)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Test the connection to {config.tenant}'s order service",
            "effect": _effect(config, for_ops=bound_tenant(request) is None),
            "back": reverse("admin:proxy_proxyconfig_change", args=(config.pk,)),
            "unit": unit,
            "order": order,
            "fault": fault,
            "steps": steps,
            "verdict": _verdict(steps),
        }
        return TemplateResponse(request, "admin/proxy/connection_test.html", context)


def _effect(config: ProxyConfig, *, for_ops: bool) -> str:
    more = " and a search" if for_ops else ""
    return EFFECT.format(tenant=config.tenant, url=config.tenant.external_url or "no address", more=more)


def _fault(unit: str, order: str) -> str:
    if bool(unit) != bool(order):
        return "Give the business unit and the order together, or neither. Nothing was called."
    wrong = (check_id(unit) or check_id(order)) if unit else None
    return f"An id {wrong}. Nothing was called." if wrong else ""


def _tried(config: ProxyConfig, request: HttpRequest, unit: str, order: str) -> tuple[list[Step], str]:
    """The hub's staff see addresses; a tenant's own staff see one plain sentence."""
    tenant = config.tenant
    if not tenant.external_url:
        return [], "The tenant has no external URL. Enter it on the tenant's page first."
    try:
        credentials = read_credentials(tenant)
    except ProxyNotConfigured as problem:
        return [], problem.detail
    named = (unit, order) if order else None
    test = ConnectionTest(tenant, credentials, order=named, for_ops=bound_tenant(request) is None)
    return list(test.run()), ""


def _verdict(steps: list[Step]) -> str:
    if not steps:
        return ""
    took = sum(step.ms for step in steps)
    if steps[-1].ok:
        return f"Every step passed, in {took} ms."
    return f"Failed at {steps[-1].step}, after {took} ms."


@admin.register(ContractDrift)
class ContractDriftAdmin(EvidenceAdmin):
    list_display = ("tenant", "pointer", "expected", "found", "count", "first_seen_at", "last_seen_at")
    list_filter = ("tenant",)
    search_fields = ("tenant__slug", "pointer")
    list_select_related = ("tenant",)
    ordering = ("-last_seen_at",)
