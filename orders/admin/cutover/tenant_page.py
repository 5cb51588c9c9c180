"""The cut-over page of a tenant (from proxy to events mode), and the list of tenants in a cut-over.

A login that may view the tenant sees its page. The forms need permission to change it and a login that is not bound
to a tenant, because a cut-over is work of the hub's own staff.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from orders.admin.base import bound_tenant
from orders.admin.cutover import actions, state
from orders.admin.cutover.charts import PERIODS, charts
from orders.cutover.checklist import checklist
from orders.cutover.listing import missing_as_csv
from orders.cutover.progress import missing_orders, progress
from orders.models import IgnoredMember, KnownOrder, Order, Tenant

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

MISSING_SHOWN = 20
"""On the page; the file has them all."""
LISTED_MOST = 50
"""Tenants of the list; each costs some counts."""

View = Callable[["HubAdmin", HttpRequest, Tenant], HttpResponse]


def urls(model_admin: HubAdmin) -> list[URLPattern]:
    guard = model_admin.admin_site.admin_view

    def own(route: str, view: View, name: str) -> URLPattern:
        def of_tenant(request: HttpRequest, pk: int) -> HttpResponse:
            return view(model_admin, request, _tenant(model_admin, request, pk))

        shown: URLPattern = path(f"<id:pk>/moving/{route}", guard(of_tenant), name=f"orders_tenant_cutover_{name}")
        return shown

    def listed(request: HttpRequest) -> HttpResponse:
        return list_view(model_admin, request)

    return [
        path("moving/", guard(listed), name="orders_tenant_cutover_all"),
        own("missing.csv", missing_view, "missing"),
        own("orders/", _verb(actions.upload), "orders"),
        own("rule/", _verb(actions.rule), "rule"),
        own("telling/", _verb(actions.notify_from), "notify_from"),
        own("cut-over/", _changing(actions.cut_over_view), "cut_over"),
        own("back/", _changing(actions.back_view), "back"),
        own("release/", _changing(actions.release_view), "release"),
    ]


def cutover_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    period = PERIODS.get(request.GET.get("period", ""), PERIODS["day"])
    seen = checklist(tenant)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Cut-over of {tenant}",
        "tenant": tenant,
        "state": state.state(tenant),
        "lines": [state.shown(line, tenant) for line in seen.lines],
        "seen": seen,
        "progress": seen.progress,
        "missing": missing_orders(tenant.pk)[:MISSING_SHOWN],
        "period": period,
        "periods": [(one, f"?period={one.word}") for one in PERIODS.values()],
        "charts": charts(tenant, period, timezone.now()),
        "rate": state.rate(seen.progress.per_second),
        "members": state.members(tenant, seen.rule.hours),
        "ignored": IgnoredMember.objects.filter(tenant=tenant).order_by("member"),
        "known_before": Order.objects.filter(tenant=tenant, known_before=True).count(),
        "releases": state.releases(request, tenant),
        "rule": seen.rule,
        "notify_from_local": state.notify_from_local(tenant),
        "actions": state.actions(request, tenant),
        "may_release": state.may_release(tenant),
        "may_change": may_change(model_admin, request, tenant),
    }
    return TemplateResponse(request, "admin/orders/cutover/tenant.html", context)


def list_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """Tenants in proxy or migrating mode, and tenants in events mode that still have orders known before."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    left = Order.objects.filter(tenant=OuterRef("pk"), known_before=True)
    own = model_admin.get_queryset(request).filter(Q(mode__in=("proxy", "migrating")) | Exists(left))
    rows = list(own.order_by("name")[: LISTED_MOST + 1])
    known = set(KnownOrder.objects.filter(tenant__in=rows).order_by().values_list("tenant", flat=True).distinct())
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Cut-over",
        "rows": [
            {"tenant": one, "progress": progress(one.pk) if one.pk in known else None} for one in rows[:LISTED_MOST]
        ],
        "more": len(rows) > LISTED_MOST,
    }
    return TemplateResponse(request, "admin/orders/cutover/list.html", context)


def missing_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Streamed: the rows are read page by page while they are sent."""
    answer = StreamingHttpResponse(missing_as_csv(tenant.pk), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{tenant.slug}-missing.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer  # type: ignore[return-value]  # a streaming answer is an answer


def may_change(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> bool:
    return bound_tenant(request) is None and model_admin.has_change_permission(request, tenant)


def _tenant(model_admin: HubAdmin, request: HttpRequest, pk: int) -> Tenant:
    tenant = model_admin.get_object(request, str(pk))
    if not isinstance(tenant, Tenant) or not model_admin.has_view_permission(request, tenant):
        raise PermissionDenied
    return tenant


def _changing(view: View) -> View:
    def guarded(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        if not may_change(model_admin, request, tenant):
            raise PermissionDenied
        return view(model_admin, request, tenant)

    return guarded


def _verb(do: Callable[[HttpRequest, Tenant], tuple[bool, str]]) -> View:
    """A form of the page: done or refused, with a message on the page that it came from."""

    def view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        well, said = do(request, tenant)
        messages.add_message(request, messages.SUCCESS if well else messages.ERROR, said)
        return HttpResponseRedirect(state.page(tenant))

    posting = _changing(view)

    def posted(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
        answer: HttpResponse = require_POST(lambda _: posting(model_admin, request, tenant))(request)
        return answer

    return posted
