"""Finding an order by whatever a caller has at hand, and the story of one that is not stored here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from orders.admin.base import bound_tenant
from orders.admin.masking import masker_for
from orders.channels import OrderKey
from orders.models import Delivery, Order, OrderEvent, OrderQueue, Tenant, TimelineEntry
from orders.story import masked, tell

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

MOST_FOUND = 50
WEBHOOK_PREFIX = "msg_"
"""Webhook ids go out as this and the delivery's id in hexadecimal."""

CORRELATION = "correlation id"
"""Asked only when nothing else was found: no index leads from it."""


@dataclass(frozen=True, slots=True)
class Found:
    key: OrderKey
    tenant: str
    by: str
    url: str


def find_orders(text: str, *, tenant_id: int | None) -> list[Found]:
    """The orders that ``text`` names, in the order of how sure that is; ``tenant_id`` limits to one tenant."""
    only: dict[str, Any] = {} if tenant_id is None else {"tenant": tenant_id}
    by_key: dict[OrderKey, str] = {}
    for by, keys in _ways(text.strip(), only):
        if len(by_key) >= MOST_FOUND or (by_key and by == CORRELATION):
            break
        for key in keys:
            by_key.setdefault(key, by)
    names = dict(Tenant.objects.filter(pk__in={key.tenant_id for key in by_key}).values_list("pk", "name"))
    found = list(by_key.items())[:MOST_FOUND]
    pages = _pages([key for key, _ in found])
    return [Found(key, names.get(key.tenant_id, ""), by, pages[key]) for key, by in found]


def page_of_order(key: OrderKey) -> str:
    """Where the order's story is shown, whether or not the order is stored here."""
    return _pages([key])[key]


def _pages(keys: list[OrderKey]) -> dict[OrderKey, str]:
    stored = Order.objects.filter(
        tenant__in={key.tenant_id for key in keys}, customer_order_id__in={key.customer_order_id for key in keys}
    )
    by_key = {order.key: order.pk for order in stored.defer("document")}
    slugs = dict(Tenant.objects.filter(pk__in={key.tenant_id for key in keys}).values_list("pk", "slug"))
    pages = {}
    for key in keys:
        place = {"tenant": slugs.get(key.tenant_id, ""), "unit": key.business_unit_id, "order": key.customer_order_id}
        stored_at = by_key.get(key)
        pages[key] = (
            f"{reverse('admin:orders_order_story')}?{urlencode(place)}"
            if stored_at is None
            else reverse("admin:orders_order_change", args=(stored_at,))
        )
    return pages


def _ways(text: str, only: dict[str, Any]) -> Iterator[tuple[str, Iterable[OrderKey]]]:
    """How the text may name an order; the database is asked when the keys are read."""
    if not text:
        return
    named = _uuid(text)
    if named:
        events = OrderEvent.objects.filter(pk=named, **only).select_related("queue").defer("payload")
        yield "event id", (event.queue.key for event in events)
        deliveries = Delivery.objects.filter(pk=named, **only).select_related("lane").defer("payload")
        yield "delivery or webhook id", (row.lane.order_key for row in deliveries if row.lane.customer_order_id)
    yield "order id", _keys(OrderQueue.objects.filter(customer_order_id=text, **only))
    yield "order id", _keys(TimelineEntry.objects.filter(customer_order_id=text, **only))
    yield "customer id", _keys(Order.objects.filter(customer_id=text, **only))
    referred = Delivery.objects.filter(reference__in={text, text.upper()}, **only).exclude(reference="")
    yield "reference", _keys(referred, through="lane__")
    yield "reference", _keys(TimelineEntry.objects.filter(reference__in={text, text.upper()}, **only))
    yield CORRELATION, _keys(OrderEvent.objects.filter(correlation_id=text, **only), through="queue__")
    yield CORRELATION, _keys(TimelineEntry.objects.filter(correlation_id=text, **only))


def _keys(rows: Any, *, through: str = "") -> Iterator[OrderKey]:
    names = [through + name for name in ("tenant_id", "business_unit_id", "customer_order_id")]
    for row in rows.order_by().values_list(*names).distinct()[:MOST_FOUND]:
        if row[2]:
            yield OrderKey(*row)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.removeprefix(WEBHOOK_PREFIX))
    except ValueError:
        return None


def find_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """One box for every id; what is found leads to the order's page."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    text = request.GET.get("q", "").replace("\x00", "")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Find an order",
        "text": text,
        "found": find_orders(text, tenant_id=bound_tenant(request)) if text.strip() else None,
        "most": MOST_FOUND,
    }
    return TemplateResponse(request, "admin/orders/find.html", context)


def story_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """The story of an order named by tenant, business unit and id: also of one that is only read through."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    tenants = Tenant.objects.all()
    bound = bound_tenant(request)
    tenant = get_object_or_404(
        tenants if bound is None else tenants.filter(pk=bound), slug=request.GET.get("tenant", "")
    )
    unit, order_id = (request.GET.get(name, "").replace("\x00", "") for name in ("unit", "order"))
    key = OrderKey(tenant.pk, unit, order_id)
    story = masked(tell(key), masker_for(request, key).text)
    if not story.happenings:
        raise Http404("Nothing is known of this order.")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Order {key.customer_order_id}",
        "key": key,
        "tenant": tenant,
        "story": story,
    }
    return TemplateResponse(request, "admin/orders/story_page.html", context)
