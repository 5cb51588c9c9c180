"""The pages that switch a tenant on, off, and from mode to mode: first the effect, then a reason, then the switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from orders.admin.base import bound_tenant
from orders.models import Tenant
from orders.onboarding.switching import SwitchRefused, mode_plan, switch_active, switch_mode, waiting

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin


def active_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    _want_change(model_admin, request, tenant)
    fault = ""
    if request.method == "POST":
        wanted = request.POST.get("to") == "on"
        try:
            switch_active(tenant, active=wanted, who=request.user.get_username(), reason=request.POST.get("reason", ""))
        except SwitchRefused as refused:
            fault = str(refused)
        else:
            messages.success(request, f"{tenant} is switched {'on' if wanted else 'off'}.")
            return HttpResponseRedirect(_change_page(tenant))
    verb = "off" if tenant.active else "on"
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Switch {tenant} {verb}",
        "tenant": tenant,
        "verb": verb,
        "waiting": waiting(tenant),
        "suppliers": tenant.destinations.filter(active=True).count(),
        "fault": fault,
        "back": _change_page(tenant),
    }
    return TemplateResponse(request, "admin/orders/onboarding/switch_active.html", context)


def mode_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Without ``to`` the modes to choose from; with it the conditions and effects of the switch; POST does it.

    A switch from migrating to events is a cut-over, which has its own page with a checklist.
    """
    _want_change(model_admin, request, tenant)
    asked = request.POST if request.method == "POST" else request.GET
    mode = asked.get("to", "")
    if mode not in Tenant.Mode.values or mode == tenant.mode:
        mode = ""
    if (tenant.mode, mode) == (Tenant.Mode.MIGRATING, Tenant.Mode.EVENTS):
        return HttpResponseRedirect(reverse("admin:orders_tenant_cutover_cut_over", args=(tenant.pk,)))
    url = asked.get("external_url", tenant.external_url).strip()
    fault = ""
    if request.method == "POST" and mode:
        try:
            switch_mode(
                tenant, mode, who=request.user.get_username(), reason=request.POST.get("reason", ""), external_url=url
            )
        except SwitchRefused as refused:
            fault = str(refused)
        else:
            messages.success(request, f"{tenant} is in {mode} mode now.")
            return HttpResponseRedirect(_next_page(tenant, mode))
    return TemplateResponse(
        request,
        "admin/orders/onboarding/switch_mode.html",
        _mode_context(model_admin, request, tenant, mode, url, fault),
    )


def _mode_context(
    model_admin: HubAdmin, request: HttpRequest, tenant: Tenant, mode: str, url: str, fault: str
) -> dict[str, Any]:
    return {
        **model_admin.admin_site.each_context(request),
        "title": f"Switch {tenant} to {mode} mode" if mode else f"Switch the mode of {tenant}",
        "tenant": tenant,
        "plan": mode_plan(tenant, mode, external_url=url) if mode else None,
        "others": [other for other in Tenant.Mode.values if other != tenant.mode],
        "wants_url": mode in (Tenant.Mode.PROXY, Tenant.Mode.MIGRATING),
        "url": url,
        "reason": request.POST.get("reason", ""),
        "fault": fault,
        "back": _change_page(tenant),
    }


def _want_change(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> None:
    if not model_admin.has_change_permission(request, tenant) or bound_tenant(request) is not None:
        raise PermissionDenied


def _next_page(tenant: Tenant, mode: str) -> str:
    """The cut-over page for a tenant that begins to migrate."""
    migrating = mode == Tenant.Mode.MIGRATING
    return reverse("admin:orders_tenant_cutover", args=(tenant.pk,)) if migrating else _change_page(tenant)


def _change_page(tenant: Tenant) -> str:
    return reverse("admin:orders_tenant_change", args=(tenant.pk,))
