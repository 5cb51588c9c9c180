"""Dead letters counted by cause, from the partial indexes of what is dead: finished rows are never looked at.

The errors are read and brought to their causes here, at most MOST_READ of each kind, the newest; a hub with more dead
rows than that is told so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet

from orders.dead_letters.causes import (
    EVENTS,
    cause_of,
    plain,
    what_to_try,
)
from orders.dead_letters.selection import overtaken
from orders.models import Delivery, Destination, OrderEvent, Tenant
from orders.outbox.destination_labels import channel_label

MOST_READ = 20_000
"""Dead rows of a kind that are read for one list: twice what the console must list within 200 ms."""
EACH_BY_ITSELF = "Their causes differ. Each is judged by itself; what would fail again stays dead."
OVERTAKEN_WORDS = "overtaken by a newer event of the same order"


@dataclass(slots=True)
class Group:
    """All dead rows of one road with one cause."""

    road: str
    cause: str
    words: str
    """As the rows say it: for whoever may see personal data (orders.dead_letters.masked_causes for others)."""
    error: str
    """Of one of the rows, whole."""
    holder: int
    """That row's queue (events) or lane."""
    first: datetime
    last: datetime
    count: int = 0
    tenants: Counter[str] = field(default_factory=Counter)
    tenant_ids: set[int] = field(default_factory=set)
    destinations: Counter[str] = field(default_factory=Counter)

    @property
    def advice(self) -> str:
        return what_to_try(self.road, self.words) if self.cause else EACH_BY_ITSELF


@dataclass(frozen=True, slots=True)
class DeadLetters:
    groups: list[Group]
    """The largest first."""
    overtaken_group: Group | None
    """Dead events that a newer one of their order has overtaken, whatever killed them."""
    cut: bool
    """True where there are more dead rows than were read."""

    @property
    def overtaken(self) -> int:
        return self.overtaken_group.count if self.overtaken_group else 0


def dead_letters(tenant_id: int | None, *, road: str = "") -> DeadLetters:
    """Of one tenant, or of everybody; ``road`` limits to events or to one channel's deliveries."""
    own = {} if tenant_id is None else {"tenant": tenant_id}
    dead_events, dead_deliveries = OrderEvent.objects.dead().filter(**own), Delivery.objects.dead().filter(**own)
    channels = {one.pk: one for one in Destination.objects.all() if road in ("", one.channel)}
    if road:
        dead_deliveries = dead_deliveries.filter(destination__in=list(channels))
    events, more_events = _newest(dead_events if road in ("", EVENTS) else dead_events.none())
    deliveries, more_deliveries = _newest(dead_deliveries if road != EVENTS else dead_deliveries.none())
    told = list(_told(events.annotate(set_aside=overtaken()), "set_aside", "queue_id"))
    groups: dict[tuple[str, str], Group] = {}
    names = dict(Tenant.objects.order_by().values_list("pk", "name"))
    for set_aside, *rest in told:
        if not set_aside:
            _add(groups, EVENTS, names, "", rest)
    for destination, *rest in _told(deliveries, "destination_id", "lane_id"):
        to = channels.get(destination)
        if to is not None:
            _add(groups, to.channel, names, to.name, rest)
    aside: dict[tuple[str, str], Group] = {}
    for set_aside, tenant, _, *rest in told:
        if set_aside:
            _add(aside, EVENTS, names, "", [tenant, OVERTAKEN_WORDS, *rest])
    by_size = sorted(groups.values(), key=lambda group: (-group.count, group.first))
    return DeadLetters(by_size, next(iter(aside.values()), None), more_events or more_deliveries)


def together(road: str, words: str, groups: Iterable[Group]) -> Group | None:
    """All of a road in one, whatever their causes; None where nothing is dead."""
    ones = [one for one in groups if one.road == road]
    if not ones:
        return None
    whole = Group(road, "", words, "", 0, min(one.first for one in ones), max(one.last for one in ones))
    for one in ones:
        whole.count += one.count
        whole.tenants += one.tenants
        whole.tenant_ids |= one.tenant_ids
        whole.destinations += one.destinations
    return whole


def _newest(rows: QuerySet[Any]) -> tuple[QuerySet[Any], bool]:
    newest = rows.order_by("-pk").values("pk")
    more = newest[MOST_READ : MOST_READ + 1].exists()
    return (rows.filter(pk__in=newest[:MOST_READ]) if more else rows), more


def _told(rows: QuerySet[Any], by: str, holder: str) -> Iterable[tuple[Any, ...]]:
    """(by, tenant, error, count, first, last, one of the holders)"""
    counted = rows.order_by().values_list(by, "tenant_id", "error")
    told: Iterable[tuple[Any, ...]] = counted.annotate(Count("pk"), Min("finished_at"), Max("finished_at"), Max(holder))
    return told


def _add(
    groups: dict[tuple[str, str], Group], road: str, names: dict[int, str], destination: str, told: list[Any]
) -> None:
    tenant, error, count, first, last, holder = told
    key = (road, cause_of(error))
    group = groups.get(key)
    if group is None:
        group = groups[key] = Group(road, key[1], plain(error), error, holder, first, last)
    group.count += count
    group.first, group.last = min(group.first, first), max(group.last, last)
    group.tenants[names.get(tenant, "")] += count
    group.tenant_ids.add(tenant)
    if destination:
        group.destinations[destination] += count


def whom(tenant_ids: Iterable[int]) -> list[str]:
    """Who may be told when events of these tenants are applied."""
    active = Destination.objects.filter(tenant__in=list(tenant_ids), active=True).order_by("channel", "name")
    return [f"{channel_label(one)} {one.name}" for one in active]
