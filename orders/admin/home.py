"""The home page: is everything well, and what needs a person, worst first. Judged by progress, not by processes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from orders.admin.base import bound_tenant
from orders.durations import in_words
from orders.models import Delivery, Destination, OrderEvent, Tenant
from orders.watch.attention import needing_a_person
from orders.watch.progress import oldest_due


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's ``DASHBOARD_CALLBACK``: what templates/admin/index.html shows."""
    tenant_id = bound_tenant(request)
    if not request.user.has_perm("orders.view_order"):
        return context | {"may_see": False}
    tenants = Tenant.objects.prefetch_related("destinations__tenant")
    attention = needing_a_person(tenant_id)
    return context | {
        "may_see": True,
        "attention": attention,
        "figures": _figures(tenant_id),
        "moving": not attention and not oldest_due().beyond(settings.HUB_PROGRESS_LIMIT_SECONDS),
        "tenants": list(tenants if tenant_id is None else tenants.filter(pk=tenant_id)),
        "may_add_tenant": request.user.has_perm("orders.add_tenant") and tenant_id is None,
        "title": "Home",
    }


def _figures(tenant_id: int | None) -> list[dict[str, str]]:
    """Each figure with the list behind it."""
    own: dict[str, Any] = {} if tenant_id is None else {"tenant": tenant_id}
    events, deliveries = reverse("admin:orders_orderevent_changelist"), reverse("admin:orders_delivery_changelist")
    destinations = reverse("admin:orders_destination_changelist")
    stopped = Destination.objects.filter(state=Destination.State.STOPPED, **own).count()
    broken = Destination.objects.filter(state=Destination.State.RUNNING, open_seconds__isnull=False, **own).count()
    shown = [
        ("dead events", str(OrderEvent.objects.dead().filter(**own).count()), f"{events}?status=dead"),
        ("dead deliveries", str(Delivery.objects.dead().filter(**own).count()), f"{deliveries}?status=dead"),
        ("stopped destinations", str(stopped), f"{destinations}?state__exact=stopped"),
        ("open breakers", str(broken), f"{destinations}?open_seconds__isnull=0"),
    ]
    if tenant_id is None:
        due = oldest_due()
        shown = [
            ("oldest due event", _age(due.events), f"{events}?status=pending"),
            ("oldest due delivery", _age(due.deliveries), f"{deliveries}?status=pending"),
            *shown,
        ]
    return [{"name": name, "value": value, "url": url} for name, value, url in shown]


def _age(seconds: float | None) -> str:
    return "nothing waits" if seconds is None else in_words(seconds)
