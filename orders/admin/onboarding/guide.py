"""The onboarding page of a tenant: five steps on one page, each with its test, and the switch at the end.

Progress is in the rows, so that the page may be left and opened again. The tenant is switched off until it is switched
on here: nothing of it is live before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from orders.admin import confirmation
from orders.admin.base import bound_tenant
from orders.admin.onboarding.forms import StartForm
from orders.integrations.onboarding_faults import FileRefused
from orders.integrations.onboarding_report import Report
from orders.integrations.onboarding_steps import Item, Step, StepForm
from orders.models import ApiClient, Tenant
from orders.onboarding.files import add_tenant, apply_keys
from orders.onboarding.handover import Credentials, hand_over, mark_for_handover
from orders.onboarding.self_test.reports import verdict
from orders.onboarding.self_test.running import SelfTestResult, lines_of, run_trials, self_test
from orders.onboarding.steps import step_of, steps
from orders.onboarding.switching import SwitchRefused, switch_active

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

CLIENT_SECRET = "client_secret"
"""The report's name for the secret of an API client; other secrets are shown at once, as tests need them."""


class Exists(Exception):
    """What a form would add is there already."""

    def __init__(self, item: Item) -> None:
        super().__init__(f"{item.id} exists already.")
        self.item = item


@dataclass(slots=True)
class Shown:
    """One step as the page shows it."""

    number: int
    step: Step
    about: str
    needless: str
    lacking: str
    items: Sequence[Item]
    form: StepForm
    open: bool
    item: str = ""
    """The id of the object that the form shows; empty for a new one."""
    lines: Sequence[SelfTestResult] = ()
    tested: bool = False

    @property
    def usable(self) -> bool:
        """Whether its form and test apply to this tenant."""
        return not self.needless or self.step.may_prepare or bool(self.items)

    @property
    def standing(self) -> tuple[str, str]:
        """A word and its colour."""
        if self.lacking:
            return "to do", "attention"
        if self.items and not self.needless:
            return "done", "ok"
        return ("not needed", "plain") if self.needless else ("optional", "plain")


@dataclass(slots=True)
class Page:
    """What a button press adds to the page beside the stored settings."""

    form: StepForm | None = None
    key: str = ""
    lines: Sequence[SelfTestResult] = ()
    tested: bool = False
    secrets: Sequence[tuple[str, str, str]] = ()
    credentials: Sequence[Credentials] = ()
    fault: str = ""
    saved: str = ""
    item: str = field(default="")


def start_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """Step 1 of a tenant that does not exist yet; the others are shown, and wait for it."""
    if not model_admin.has_add_permission(request) or bound_tenant(request) is not None:
        raise PermissionDenied
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            add_tenant(form.keys, who=request.user.get_username())
        except FileRefused as refused:
            form.refused(refused.faults)
        else:
            return HttpResponseRedirect(guide_url(Tenant.objects.get(slug=form.cleaned_data["slug"])))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Add a tenant",
        "form": form,
        "later": [(number, step.title) for number, step in enumerate(steps(), 2)],
        "file_url": reverse("admin:orders_tenant_onboarding_file"),
    }
    return TemplateResponse(request, "admin/orders/onboarding/start.html", context)


def guide_url(tenant: Tenant, anchor: str = "") -> str:
    return reverse("admin:orders_tenant_onboard", args=(tenant.pk,)) + (f"#{anchor}" if anchor else "")


def guide_view(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Reads with permission to view the tenant, acts with permission to change it."""
    may_act = model_admin.has_change_permission(request, tenant) and bound_tenant(request) is None
    if request.method != "POST":
        return _shown(model_admin, request, tenant, Page(item=request.GET.get("item", "")), may_act=may_act)
    if not may_act:
        raise PermissionDenied
    return _acted(model_admin, request, tenant) if confirmation.restore_form(request) else confirmation.expired(request)


def _acted(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    verb, _, key = request.POST.get("do", "").partition(":")
    if verb == "switch-on":
        return _switched_on(model_admin, request, tenant)
    step = step_of(key)
    if step is None or verb not in ("save", "test"):
        return HttpResponseRedirect(guide_url(tenant))
    try:
        page = _saved(request, tenant, step) if verb == "save" else _tested(request, tenant, step)
    except confirmation.ConfirmationRequired as required:
        return confirmation.page(model_admin, request, required, name=f"{step.title} of {tenant}")
    if page.saved and not (page.secrets or page.credentials):
        return HttpResponseRedirect(guide_url(tenant, key))
    return _shown(model_admin, request, tenant, page, may_act=True)


def _saved(request: HttpRequest, tenant: Tenant, step: Step) -> Page:
    opened = request.POST.get("item", "")
    form = step.form(tenant, request.POST, item=opened)
    page = Page(form=form, key=step.key, item=f"{step.key}:{opened}")
    if not form.is_valid():
        return page

    def keys() -> Mapping[str, Any]:
        """Of a form that knows what is stored by now."""
        _refuse_existing(tenant, step, form.target(), opened)
        fresh = step.form(tenant, request.POST, item=opened)
        return fresh.keys() if fresh.is_valid() else form.keys()

    try:
        who, agree = request.user.get_username(), confirmation.confirmed_by(request, tenant)
        report = apply_keys(tenant, keys, who=who, agree=agree)
    except FileRefused as refused:
        form.refused(refused.faults)
        return page
    except Exists as exists:
        form.exists(exists.item)
        return page
    return _saved_page(tenant, step, report)


def _refuse_existing(tenant: Tenant, step: Step, target: str, opened: str) -> None:
    """What exists is changed only in the form that shows it. Raises Exists."""
    there = next((item for item in step.items(tenant) if target and item.id == target != opened), None)
    if there is not None:
        raise Exists(there)


def _saved_page(tenant: Tenant, step: Step, report: Report) -> Page:
    """Clients of a tenant that is off wait for the hand-over; all other made secrets are shown in this one answer."""
    made = {what.removeprefix("API client "): value for what, name, value in report.secrets if name == CLIENT_SECRET}
    clients = list(ApiClient.objects.filter(client_id__in=made).select_related("tenant"))
    others = [secret for secret in report.secrets if secret[1] != CLIENT_SECRET]
    if tenant.active:
        credentials = [Credentials(client, made[client.client_id]) for client in clients]
    else:
        mark_for_handover(clients)
        credentials = []
    return Page(key=step.key, secrets=others, credentials=credentials, saved=step.title)


def _tested(request: HttpRequest, tenant: Tenant, step: Step) -> Page:
    lines = run_trials(tenant, who=request.user.get_username(), only=(step.test_area,))
    return Page(key=step.key, lines=lines, tested=True)


def _switched_on(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    who, lacking = request.user.get_username(), [words for step in steps() if (words := step.lacking(tenant))]
    try:
        if lacking:
            raise SwitchRefused(" ".join(lacking))
        tenant = switch_active(tenant, active=True, who=who, reason=request.POST.get("reason", ""))
    except SwitchRefused as refused:
        return _shown(model_admin, request, tenant, Page(key="switch", fault=str(refused)), may_act=True)
    credentials = hand_over(tenant)
    run = self_test(tenant, who=who)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{tenant.name} is switched on",
        "tenant": tenant,
        "credentials": credentials,
        "run": run,
        "lines": lines_of(run),
        "verdict": verdict(run),
        "guide": guide_url(tenant),
    }
    return _not_kept(TemplateResponse(request, "admin/orders/onboarding/handover.html", context))


def _shown(model_admin: HubAdmin, request: HttpRequest, tenant: Tenant, page: Page, *, may_act: bool) -> HttpResponse:
    key, _, item = page.item.partition(":")
    shown = [_shown_step(number, step, tenant, page, (key, item)) for number, step in enumerate(steps(), 2)]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Onboarding of {tenant.name}",
        "tenant": tenant,
        "steps": shown,
        "page": page,
        "may_act": may_act,
        "lacking": [one.lacking for one in shown if one.lacking],
        "last_run": tenant.self_tests.first(),
    }
    return _not_kept(TemplateResponse(request, "admin/orders/onboarding/guide.html", context))


def _shown_step(number: int, step: Step, tenant: Tenant, page: Page, asked: tuple[str, str]) -> Shown:
    here = page.key == step.key
    item = asked[1] if asked[0] == step.key else ""
    form = page.form if here and page.form is not None else step.form(tenant, item=item)
    form.auto_id = f"{step.key}-%s"
    needless, items = step.needless(tenant), step.items(tenant)
    opened = bool(item) or (here and page.form is not None) or not (items or needless)
    return Shown(
        number=number, step=step, about=step.about(tenant), needless=needless, lacking=step.lacking(tenant),
        items=items, form=form, open=opened, item=item, lines=page.lines if here else (), tested=here and page.tested,
    )  # fmt: skip


def _not_kept(response: TemplateResponse) -> TemplateResponse:
    """Secrets may stand in it, this once."""
    response.headers["Cache-Control"] = "no-store"
    return response
