"""Content of a tenant's cut-over page: its state in a sentence, the checklist with links, operator actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from orders.admin.cutover.differences import WHOLE
from orders.admin.masking import TEXT, cover, masker_for
from orders.cutover import matches
from orders.cutover.checklist import ChecklistItem, Key, percent
from orders.models import OperatorAction, OrderRelease, Tenant
from orders.values.time_text import exact

ACTIONS_SHOWN = 8
MEMBERS_SHOWN = 15
RELEASES_SHOWN = 5
Mode = Tenant.Mode


@dataclass(frozen=True, slots=True)
class Shown:
    """A checklist item with a link to the page where it is resolved."""

    line: ChecklistItem
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class State:
    mark: str
    meaning: str
    words: str
    notified: str


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    compared: int
    wrong: int
    share: str
    url: str


def page(tenant: Tenant) -> str:
    return reverse("admin:orders_tenant_cutover", args=(tenant.pk,))


def state(tenant: Tenant) -> State:
    if tenant.mode == Mode.PROXY:
        words = "Its orders are read from its own system; nothing is stored here, and orders that it sends are refused."
        return State("proxy", "plain", words, "The hub notifies nobody of its orders.")
    if tenant.mode == Mode.MIGRATING:
        words = "Reads are still answered by its own system. Orders that it sends are stored here and compared with it."
        return State("migrating", "waiting", words, _notified(tenant))
    words = "Reads are answered from the orders stored here. Its own system is not asked."
    return State("events", "ok", words, _notified(tenant))


def _notified(tenant: Tenant) -> str:
    if tenant.mode == Mode.MIGRATING and tenant.tells_from is None:
        return "Suppliers and warehouses are not notified of any order."
    if tenant.tells_from is None:
        return "Suppliers and warehouses are notified of every order."
    return f"Suppliers and warehouses are notified of orders first received from {exact(tenant.tells_from)} on."


def notify_from_local(tenant: Tenant) -> str:
    """The start of notifications for an input, in the tenant's zone."""
    return tenant.tells_from.astimezone(tenant.zone).strftime("%Y-%m-%dT%H:%M") if tenant.tells_from else ""


def shown(line: ChecklistItem, tenant: Tenant) -> Shown:
    words, url = {
        Key.LEDGER: ("The missing orders", "#missing-title"),
        Key.MATCH: ("The differences", differences_page(tenant)),
        Key.DEAD: ("The dead letters", reverse("admin:orders_repairrun_dead")),
        Key.WAITING: ("The waiting events", f"{_events()}?{urlencode({'of': tenant.pk, 'status': 'pending'})}"),
        Key.MEMBERS: ("Unknown members", _unknown(tenant, "member")),
        Key.WORDS: ("Unknown status words", _unknown(tenant, "status")),
    }[line.key]
    return Shown(line, words, url)


def _unknown(tenant: Tenant, kind: str) -> str:
    return f"{reverse('admin:orders_unknowncontent_changelist')}?{urlencode({'of': tenant.pk, 'kind__exact': kind})}"


def differences_page(tenant: Tenant, **more: str) -> str:
    return f"{reverse('admin:orders_difference_changelist')}?{urlencode({'of': tenant.pk} | more)}"


def members(tenant: Tenant, hours: int) -> list[Member]:
    """The members that differ most often, over the hours that the checklist covers."""
    since = timezone.now() - timedelta(hours=hours)
    return [
        Member(name or WHOLE, compared, wrong, _share(compared, wrong), differences_page(tenant, member=name or WHOLE))
        for name, compared, wrong in matches.members(tenant, since=since)[:MEMBERS_SHOWN]
    ]


def _share(compared: int, wrong: int) -> str:
    return percent((compared - wrong) / compared) if compared else "-"


def rate(per_second: float) -> str:
    """``12/s``; a slow one by the minute."""
    return f"{per_second:,.0f}/s" if per_second >= 1 else f"{per_second * 60:,.0f}/min"


def may_release(tenant: Tenant) -> bool:
    """A release is refused while nobody is notified (orders.cutover.releases)."""
    return tenant.mode != Mode.MIGRATING or tenant.tells_from is not None


def actions(request: HttpRequest, tenant: Tenant) -> Sequence[Any]:
    """Operator actions on the tenant, newest first."""
    masker = masker_for(request, None)
    done = OperatorAction.objects.filter(subject=f"tenant:{tenant.pk}").order_by("-pk")[:ACTIONS_SHOWN]
    return [{"row": one, "reason": masker.text(one.reason)} for one in done]


def releases(request: HttpRequest, tenant: Tenant) -> Sequence[OrderRelease]:
    """The newest, their reasons as the login may read them."""
    newest = list(OrderRelease.objects.filter(tenant=tenant)[:RELEASES_SHOWN])
    for one in newest:
        cover(one, {"reason": TEXT}, masker_for(request, None))
    return newest


def _events() -> str:
    return reverse("admin:orders_orderevent_changelist")
