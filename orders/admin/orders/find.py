"""Finding an order by any of its ids, and the timeline of one that is not stored here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from orders.admin.base import bound_tenant
from orders.admin.masking import FOREIGN, TEXT, cover, masker_for
from orders.models import Delivery, DeliveryAttempt, Order, OrderEvent, Tenant
from orders.models.inbox import event_id
from orders.timeline import find, masked, timeline_of
from orders.values.order_key import OrderKey

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

TRIES_SHOWN = 20
"""The newest; more than a schedule has."""
MODELS: dict[str, Any] = {"event": OrderEvent, "delivery": Delivery}


@dataclass(frozen=True, slots=True)
class FoundRow:
    key: OrderKey
    tenant: str
    by: str
    url: str


def find_orders(text: str, *, tenant_id: int | None) -> list[FoundRow]:
    """The orders that ``text`` names, the surest first; ``tenant_id`` limits to one tenant."""
    by_key = find.find(text, tenant_id=tenant_id)
    names = dict(Tenant.objects.filter(pk__in={key.tenant_id for key in by_key}).values_list("pk", "name"))
    found = list(by_key.items())
    pages = pages_of_orders([key for key, _ in found])
    return [FoundRow(key, names.get(key.tenant_id, ""), by, pages[key]) for key, by in found]


def page_of_order(key: OrderKey) -> str:
    """The page with the order's timeline, whether or not the order is stored here."""
    return pages_of_orders([key])[key]


def pages_of_orders(keys: Sequence[OrderKey]) -> dict[OrderKey, str]:
    stored = Order.objects.filter(
        tenant__in={key.tenant_id for key in keys},
        business_unit_id__in={key.business_unit_id for key in keys},
        customer_order_id__in={key.customer_order_id for key in keys},
    )
    by_key = {order.key: order.pk for order in stored.defer("document")}
    slugs = dict(Tenant.objects.filter(pk__in={key.tenant_id for key in keys}).values_list("pk", "slug"))
    pages = {}
    for key in keys:
        place = {"tenant": slugs.get(key.tenant_id, ""), "unit": key.business_unit_id, "order": key.customer_order_id}
        stored_at = by_key.get(key)
        pages[key] = (
            f"{reverse('admin:orders_order_timeline')}?{urlencode(place)}"
            if stored_at is None
            else reverse("admin:orders_order_change", args=(stored_at,))
        )
    return pages


def find_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """One field for every kind of id; each result links to the order's page."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    text = request.GET.get("q", "").replace("\x00", "")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Find an order",
        "text": text,
        "found": find_orders(text, tenant_id=bound_tenant(request)) if text.strip() else None,
        "most": find.MOST,
    }
    return TemplateResponse(request, "admin/orders/find.html", context)


def timeline_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """The timeline of an order named by tenant, business unit and id, stored here or only read through."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    tenants = Tenant.objects.all()
    bound = bound_tenant(request)
    tenant = get_object_or_404(
        tenants if bound is None else tenants.filter(pk=bound), slug=request.GET.get("tenant", "")
    )
    unit, order_id = (request.GET.get(name, "").replace("\x00", "") for name in ("unit", "order"))
    key = OrderKey(tenant.pk, unit, order_id)
    timeline = masked(timeline_of(key), masker_for(request, key).text)
    if not timeline.happenings:
        raise Http404("Nothing is known of this order.")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Order {key.customer_order_id}",
        "key": key,
        "tenant": tenant,
        "timeline": timeline,
    }
    return TemplateResponse(request, "admin/orders/timeline_page.html", context)


def part_view(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Details of one timeline entry, shown when it is opened: the body, and each attempt with its answer.

    ``?subject=event:<id>`` or ``delivery:<id>``, for logins that may see that row. A fragment of HTML for
    orders/static/orders/timeline.js; without scripts the entry links to the row's own page.
    """
    kind, _, pk = request.GET.get("subject", "").partition(":")
    if kind not in MODELS:
        raise Http404("There is no such timeline entry.")
    rows_of: Any = site._registry[MODELS[kind]]
    row = rows_of.get_queryset(request).defer(None).filter(pk=event_id(pk)).first()
    if row is None or not rows_of.has_view_permission(request, row):
        raise PermissionDenied
    rows_of.covered(request, [row])
    tries = _tries(request, row, rows_of) if kind == "delivery" else []
    context = {"row": row, "kind": kind, "tries": tries}
    return TemplateResponse(request, "admin/orders/timeline_part.html", context)


def _tries(request: HttpRequest, row: Delivery, rows_of: Any) -> list[DeliveryAttempt]:
    tries = list(row.tries.order_by("-pk")[:TRIES_SHOWN])
    masker = masker_for(request, rows_of.order_keys([row])[0])
    for one in tries:
        cover(one, {"detail": TEXT, "response_cut": FOREIGN}, masker)
    return tries[::-1]
