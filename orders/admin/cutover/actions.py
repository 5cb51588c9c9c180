"""The forms of a tenant's cut-over page. Each shows what it will do before it does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from orders.admin.cutover.forms import ChoiceForm, NotifyFromForm
from orders.admin.cutover.state import page, shown
from orders.cutover import changes, releases
from orders.cutover.checklist import OVERRIDABLE, checklist
from orders.cutover.listing import ListRefused, add_file
from orders.cutover.requirements import RuleRefused, read_rule, store_rule
from orders.cutover.switch import EFFECT_SECONDS, CutOverRefused, cut_over, go_back
from orders.models import Destination, Tenant
from orders.onboarding.mode_change import set_notify_from

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

FAULTS_SHOWN = 5
Done = tuple[bool, str]
"""Whether it was done, and the message about it."""


def upload(request: HttpRequest, tenant: Tenant) -> Done:
    file = request.FILES.get("file")
    if file is None:
        return False, "Choose a file first; nothing was added."
    if tenant.mode != Tenant.Mode.MIGRATING:
        return False, f"{tenant} is in {tenant.mode} mode; orders are listed while it migrates. Nothing was added."
    try:
        listed = add_file(tenant.pk, file)  # type: ignore[arg-type]  # an uploaded file reads like any other
    except ListRefused as refused:
        more = len(refused.faults) - FAULTS_SHOWN
        said = [*refused.faults[:FAULTS_SHOWN], *([f"And {more} more."] if more > 0 else [])]
        return False, " ".join(["Nothing was added.", *said])
    return True, f"The file names {listed.orders:,} orders; {listed.added:,} of them were not known before."


def rule(request: HttpRequest, tenant: Tenant) -> Done:
    try:
        store_rule(tenant, read_rule(request.POST), who=request.user.get_username())
    except RuleRefused as refused:
        return False, f"{refused} Nothing was changed."
    return True, f"The checklist of {tenant} uses these conditions from now on."


def notify_from(request: HttpRequest, tenant: Tenant) -> Done:
    form = NotifyFromForm(request.POST)
    if tenant.mode != Tenant.Mode.MIGRATING:
        return (
            False,
            f"{tenant} is in {tenant.mode} mode; notifications are only set while it migrates. Nothing was changed.",
        )
    with timezone.override(tenant.zone):
        valid = form.is_valid()
    if not valid:
        return False, "Write a reason, and a date and time or nothing. Nothing was changed."
    moment = form.cleaned_data["moment"]
    set_notify_from(tenant, moment, who=request.user.get_username(), reason=form.cleaned_data["reason"])
    if moment is None:
        return True, "Suppliers and warehouses are not notified of any order."
    since = f"{moment:%Y-%m-%d %H:%M} ({tenant.time_zone})"
    return True, f"Suppliers and warehouses are notified of orders first received from {since} on."


def cut_over_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    fault, reason = "", request.POST.get("reason", "")
    chosen = request.POST.getlist("override")
    if request.method == "POST":
        try:
            cut_over(tenant, who=request.user.get_username(), reason=reason, overriding=chosen)
        except CutOverRefused as refused:
            fault = str(refused)
        else:
            words = f"{tenant} is cut over. Every process answers from stored orders within {EFFECT_SECONDS} s."
            messages.success(request, words)
            return HttpResponseRedirect(page(tenant))
    seen = checklist(tenant)
    context = {
        "title": f"Cut {tenant} over to events",
        "lines": [shown(line, tenant) for line in seen.lines],
        "seen": seen,
        "possible": tenant.mode == Tenant.Mode.MIGRATING and all(line.overridable for line in seen.open),
        "says": changes.cutting_over(tenant, seen.progress),
        "fault": fault,
        "reason": reason,
        "chosen": [key for key in OVERRIDABLE if key in chosen],
    }
    return _shown(model_admin, request, tenant, "cut_over", context)


def back_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The cut-over page of a tenant in events mode has the same form."""
    fault = ""
    to = request.POST.get("to", Tenant.Mode.PROXY)
    if request.method == "POST":
        try:
            go_back(tenant, to=to, who=request.user.get_username(), reason=request.POST.get("reason", ""))
        except CutOverRefused as refused:
            fault = str(refused)
        else:
            words = f"{tenant} is in {to} mode. Its own system answers every read within {EFFECT_SECONDS} s."
            messages.success(request, words)
            return HttpResponseRedirect(page(tenant))
    context = {
        "title": f"Return {tenant} to its own system",
        "ways": [(mode, changes.going_back(tenant, mode)) for mode in _ways_back(tenant)],
        "fault": fault,
    }
    return _shown(model_admin, request, tenant, "back", context)


def _ways_back(tenant: Tenant) -> list[str]:
    if tenant.mode == Tenant.Mode.EVENTS:
        return [Tenant.Mode.MIGRATING, Tenant.Mode.PROXY]
    return [Tenant.Mode.PROXY] if tenant.mode == Tenant.Mode.MIGRATING else []


def release_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Choose the orders, see what a release would send, release them."""
    asked = request.POST if request.method == "POST" else request.GET
    form = ChoiceForm(tenant, asked if "preview" in asked else None)
    fault = ""
    preview = None
    if form.is_valid():
        choice = form.choice()
        if request.method == "POST":
            try:
                made = releases.release(
                    tenant, choice, who=request.user.get_username(), reason=request.POST.get("reason", "")
                )
            except releases.ReleaseRefused as refused:
                fault = str(refused)
            else:
                count = f"{made.released:,} order{'' if made.released == 1 else 's'} released"
                messages.success(request, f"{count}." if made.finished_at else f"{count} so far; the rest follows.")
                return HttpResponseRedirect(page(tenant))
        preview = releases.preview(tenant, choice)
    context: dict[str, Any] = {
        "title": f"Release orders of {tenant} that were known before",
        "form": form,
        "preview": preview,
        "required": _required(preview) if preview else [],
        "fault": fault,
        "reason": request.POST.get("reason", ""),
    }
    return _shown(model_admin, request, tenant, "release", context)


def _required(preview: releases.Preview) -> list[tuple[Destination, int]]:
    found = Destination.objects.in_bulk(preview.deliveries.keys())
    return sorted(((found[pk], number) for pk, number in preview.deliveries.items()), key=lambda one: -one[1])


def _shown(
    model_admin: HubAdmin, request: HttpRequest, tenant: Tenant, name: str, context: dict[str, Any]
) -> HttpResponse:
    whole = {
        **model_admin.admin_site.each_context(request),
        "tenant": tenant,
        "page": page(tenant),
        "seconds": EFFECT_SECONDS,
    }
    return TemplateResponse(request, f"admin/orders/cutover/{name}.html", whole | context)
