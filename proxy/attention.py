"""Problems of proxied reads: tenants without credentials, order services with an open breaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Count
from django.urls import reverse

from orders.integrations.console import Attention, Fact
from orders.models import Tenant
from proxy import breaker
from proxy.models import ContractDrift


def problems(tenant_id: int | None) -> Iterator[Attention]:
    """None: of all tenants."""
    tenants = Tenant.objects.filter(active=True).exclude(mode=Tenant.Mode.EVENTS)
    if tenant_id is not None:
        tenants = tenants.filter(pk=tenant_id)
    for tenant in tenants.select_related("proxy_config"):
        page = reverse("admin:orders_tenant_change", args=(tenant.pk,))
        if not hasattr(tenant, "proxy_config"):
            yield Attention(
                f"{tenant.name} reads its orders through, but no credentials are set: every read fails. Enter them "
                "on its onboarding page, or let the tenant set them (PUT /api/v1/proxy-config).",
                reverse("admin:orders_tenant_onboard", args=(tenant.pk,)),
                harm=5.0,
                open_words="Enter the credentials",
            )
        elif breaker.state(tenant.pk) != "closed":
            yield Attention(
                f"{tenant.name}: its order service failed too often in a row and is not asked for now; reads fail "
                "until a probe succeeds. Ask the tenant whether it is down.",
                page,
                harm=10.0,
                open_words="Open the tenant",
            )


def facts(tenants: Sequence[Tenant]) -> dict[int, list[Fact]]:
    """Whether the order service answers, and the number of contract drifts."""
    reading = [tenant.pk for tenant in tenants if tenant.mode != Tenant.Mode.EVENTS]
    drifts = ContractDrift.objects.filter(tenant__in=reading).order_by().values_list("tenant").annotate(Count("pk"))
    counts = dict(drifts)
    return {pk: [_breaker(pk), *_drift(pk, counts.get(pk, 0))] for pk in reading}


def _breaker(tenant_id: int) -> Fact:
    state = breaker.state(tenant_id)
    if state == "closed":
        return Fact("order service", "answering normally")
    return Fact("order service", "failing" if state == "open" else "being probed", "attention")


def _drift(tenant_id: int, count: int) -> list[Fact]:
    page = reverse("admin:proxy_contractdrift_changelist")
    return [Fact("drift", str(count), "waiting", f"{page}?of={tenant_id}")] if count else []
