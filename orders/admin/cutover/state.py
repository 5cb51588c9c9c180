"""What the page of a tenant's move says: its state in a sentence, the checklist with its links, who did what."""

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
from orders.cutover.checklist import (
    ChecklistItem,
    Key,
    percent,
)
from orders.models import OperatorAction, OrderRelease, Tenant
from orders.values.time_text import exact

ACTIONS_SHOWN = 8
MEMBERS_SHOWN = 15
RELEASES_SHOWN = 5
Mode = Tenant.Mode


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the checklist with the place where it is worked on."""

    line: ChecklistItem
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class State:
    mark: str
    meaning: str
    words: str
    told: str


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    compared: int
    wrong: int
    share: str
    url: str


def page(tenant: Tenant) -> str:
    return reverse("admin:orders_tenant_moving", args=(tenant.pk,))


def state(tenant: Tenant) -> State:
    if tenant.mode == Mode.PROXY:
        words = "Its orders are read from its own system; nothing is stored here, and orders that it sends are refused."
        return State("proxy", "plain", words, "Nobody is told of its orders by the hub.")
    if tenant.mode == Mode.MIGRATING:
        words = "Reads still go to its own system, which stays the truth. Orders that it sends are stored and compared."
        return State("migrating", "waiting", words, _told(tenant))
    words = "Reads are answered from the orders stored here. Its own system is not asked."
    return State("events", "moving", words, _told(tenant))


def _told(tenant: Tenant) -> str:
    if tenant.mode == Mode.MIGRATING and tenant.tells_from is None:
        return "Suppliers and warehouses are told nothing (telling is off)."
    if tenant.tells_from is None:
        return "Suppliers and warehouses are told of every order."
    return f"Suppliers and warehouses are told of orders first received from {exact(tenant.tells_from)} on."


def tells_local(tenant: Tenant) -> str:
    """For an input, in the tenant's zone."""
    return tenant.tells_from.astimezone(tenant.zone).strftime("%Y-%m-%dT%H:%M") if tenant.tells_from else ""


def shown(line: ChecklistItem, tenant: Tenant) -> Shown:
    words, url = {
        Key.LEDGER: ("The missing orders", "#missing-title"),
        Key.MATCH: ("The differences", differences_page(tenant)),
        Key.DEAD: ("The dead letters", reverse("admin:orders_repairrun_dead")),
        Key.WAITING: ("The waiting events", f"{_events()}?{urlencode({'of': tenant.pk, 'status': 'pending'})}"),
    }[line.key]
    return Shown(line, words, url)


def differences_page(tenant: Tenant, **more: str) -> str:
    return f"{reverse('admin:orders_difference_changelist')}?{urlencode({'of': tenant.pk} | more)}"


def members(tenant: Tenant, hours: int) -> list[Member]:
    """The members that differ most often, as long back as the checklist looks."""
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
    """While nobody is told a release is refused (orders.cutover.releases)."""
    return tenant.mode != Mode.MIGRATING or tenant.tells_from is not None


def actions(request: HttpRequest, tenant: Tenant) -> Sequence[Any]:
    """What people did to the tenant as a whole, newest first."""
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
