"""The home page: overall state, problems that need attention (most severe first), charts, tenants.

The state is judged by progress, not by processes. A login that is bound to a tenant sees only that tenant. The page
does not refresh by itself: it says when its figures were read and has a link that reads them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from orders.admin.base import bound_tenant
from orders.admin.home import charts, tenants
from orders.integrations.console import Attention
from orders.masking.documents import sees_personal_data
from orders.models import Delivery, Destination, OrderEvent
from orders.monitoring.attention import COUNTED_MOST, capped, problems
from orders.monitoring.counters import PERIODS
from orders.monitoring.progress import OldestDue, oldest_due_by_tenant
from orders.values.time_text import in_words


@dataclass(frozen=True, slots=True)
class Lead:
    """The state in one sentence, with its badge."""

    word: str
    meaning: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and the list that it counts."""

    name: str
    value: str
    url: str
    alarming: bool = False


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's ``DASHBOARD_CALLBACK``: what templates/admin/index.html shows."""
    if not request.user.has_perm("orders.view_order"):
        return context | {"may_see": False, "title": "Home"}
    tenant_id, now = bound_tenant(request), timezone.now()
    period = PERIODS.get(request.GET.get("period", ""), PERIODS["hour"])
    due = oldest_due_by_tenant(tenant_id)
    attention = problems(tenant_id, quoting=sees_personal_data(request))
    rows, more = tenants.tenant_rows(tenant_id, due, now)
    return context | {
        "may_see": True,
        "title": "Home",
        "as_of": now,
        "period": period,
        "periods": [(one, f"?period={one.word}") for one in PERIODS.values()],
        "attention": attention,
        "lead": _lead(oldest_of(due.values()), attention, has_tenants=bool(rows)),
        "figures": _figures(tenant_id, oldest_of(due.values())),
        "charts": charts.charts(period, tenant_id, now),
        "tenants": rows,
        "more_tenants": more,
        "may_add_tenant": request.user.has_perm("orders.add_tenant") and tenant_id is None,
    }


def oldest_of(dues: Any) -> OldestDue:
    """The oldest due event and delivery of all tenants."""
    known = list(dues)
    events = [due.events for due in known if due.events is not None]
    deliveries = [due.deliveries for due in known if due.deliveries is not None]
    return OldestDue(max(events, default=None), max(deliveries, default=None))


def _lead(due: OldestDue, attention: Sequence[Attention], *, has_tenants: bool) -> Lead:
    limit = settings.HUB_PROGRESS_LIMIT_SECONDS
    if due.beyond(limit):
        longer = f"Due work has been waiting for more than {in_words(float(limit))}."
        return Lead("stuck", "stopped", f"{longer} Check that the workers and the scheduler run.")
    if attention:
        problems_need = "1 problem needs" if len(attention) == 1 else f"{len(attention)} problems need"
        return Lead("attention", "attention", f"{problems_need} attention.")
    if not has_tenants:
        return Lead("empty", "plain", "No tenant is set up yet.")
    return Lead("ok", "ok", "Nothing needs attention. Events and deliveries are processed in time.")


def _figures(tenant_id: int | None, due: OldestDue) -> list[Figure]:
    """Counted over partial indexes, up to COUNTED_MOST."""
    own: dict[str, Any] = {} if tenant_id is None else {"tenant": tenant_id}
    events, deliveries = reverse("admin:orders_orderevent_changelist"), reverse("admin:orders_delivery_changelist")
    destinations = reverse("admin:orders_destination_changelist")
    running = Destination.State.RUNNING
    not_running = Destination.objects.filter(active=True, tenant__active=True, **own).aggregate(
        stopped=Count("pk", filter=Q(state=Destination.State.STOPPED)),
        failing=Count("pk", filter=Q(state=running, open_seconds__isnull=False)),
    )
    dead_events = capped(OrderEvent.objects.dead().filter(**own))
    dead_deliveries = capped(Delivery.objects.dead().filter(**own))
    return [
        _oldest("oldest due event", due.events, f"{events}?status=pending"),
        _oldest("oldest due delivery", due.deliveries, f"{deliveries}?status=pending"),
        _count("dead event", dead_events, f"{events}?status=dead"),
        _count("dead delivery", dead_deliveries, f"{deliveries}?status=dead", "dead deliveries"),
        _count("stopped destination", not_running["stopped"], f"{destinations}?state__exact=stopped"),
        _count(
            "failing destination", not_running["failing"], f"{destinations}?state__exact=running&open_seconds__isnull=0"
        ),
    ]


def _count(name: str, count: int, url: str, more: str = "") -> Figure:
    words = name if count == 1 else more or f"{name}s"
    return Figure(words, f"{COUNTED_MOST:,}+" if count > COUNTED_MOST else f"{count:,}", url, alarming=bool(count))


def _oldest(name: str, age: float | None, url: str) -> Figure:
    alarming = age is not None and age > settings.HUB_PROGRESS_LIMIT_SECONDS
    return Figure(name, "none" if age is None else in_words(age), url, alarming)
