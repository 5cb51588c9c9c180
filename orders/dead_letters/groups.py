"""Count dead letters by cause, over the partial indexes of dead rows.

The errors of the newest MOST_READ rows of each kind are read and grouped by their causes; ``DeadLetters.cut`` says when
there are more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet

from orders.dead_letters.causes import EVENTS, cause_of, plain, what_to_try
from orders.dead_letters.selection import overtaken
from orders.models import Delivery, Destination, OrderEvent, Tenant
from orders.outbox.destination_labels import channel_label

MOST_READ = 20_000
"""Dead rows of a kind that are read for one list: twice what the console must list within 200 ms."""
EACH_BY_ITSELF = "Their causes differ. Each is tried by itself; one that would fail again stays dead."
OVERTAKEN_WORDS = "overtaken by a newer event of the same order"


@dataclass(slots=True)
class Group:
    """All dead rows of one kind with one cause."""

    kind: str
    """``events``, or the channel of the deliveries."""
    cause: str
    words: str
    """The cause in words, unmasked: only for readers of personal data (for others: orders.dead_letters.masked_causes).
    """
    error: str
    """The whole error of one of the rows."""
    holder: int
    """Id of that row's queue (events) or lane."""
    first: datetime
    last: datetime
    count: int = 0
    tenants: Counter[str] = field(default_factory=Counter)
    tenant_ids: set[int] = field(default_factory=set)
    destinations: Counter[str] = field(default_factory=Counter)

    @property
    def advice(self) -> str:
        return what_to_try(self.kind, self.words) if self.cause else EACH_BY_ITSELF


@dataclass(frozen=True, slots=True)
class DeadLetters:
    groups: list[Group]
    """The largest first."""
    overtaken_group: Group | None
    """Dead events that a newer event of their order has overtaken, whatever their cause."""
    cut: bool
    """Whether there are more dead rows than were read."""

    @property
    def overtaken(self) -> int:
        return self.overtaken_group.count if self.overtaken_group else 0


def dead_letters(tenant_id: int | None, *, kind: str = "") -> DeadLetters:
    """Of one tenant, or of all; ``kind`` limits to ``events`` or to one channel's deliveries."""
    own = {} if tenant_id is None else {"tenant": tenant_id}
    dead_events, dead_deliveries = OrderEvent.objects.dead().filter(**own), Delivery.objects.dead().filter(**own)
    channels = {one.pk: one for one in Destination.objects.all() if kind in ("", one.channel)}
    if kind:
        dead_deliveries = dead_deliveries.filter(destination__in=list(channels))
    events, more_events = _newest(dead_events if kind in ("", EVENTS) else dead_events.none())
    deliveries, more_deliveries = _newest(dead_deliveries if kind != EVENTS else dead_deliveries.none())
    counted = list(_counted(events.annotate(set_aside=overtaken()), "set_aside", "queue_id"))
    groups: dict[tuple[str, str], Group] = {}
    names = dict(Tenant.objects.order_by().values_list("pk", "name"))
    for set_aside, *rest in counted:
        if not set_aside:
            _add(groups, EVENTS, names, "", rest)
    for destination, *rest in _counted(deliveries, "destination_id", "lane_id"):
        to = channels.get(destination)
        if to is not None:
            _add(groups, to.channel, names, to.name, rest)
    aside: dict[tuple[str, str], Group] = {}
    for set_aside, tenant, _, *rest in counted:
        if set_aside:
            _add(aside, EVENTS, names, "", [tenant, OVERTAKEN_WORDS, *rest])
    by_size = sorted(groups.values(), key=lambda group: (-group.count, group.first))
    return DeadLetters(by_size, next(iter(aside.values()), None), more_events or more_deliveries)


def together(kind: str, words: str, groups: Iterable[Group]) -> Group | None:
    """One group of all dead rows of a kind, whatever their causes; None when there are none."""
    ones = [one for one in groups if one.kind == kind]
    if not ones:
        return None
    whole = Group(kind, "", words, "", 0, min(one.first for one in ones), max(one.last for one in ones))
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


def _counted(rows: QuerySet[Any], by: str, holder: str) -> Iterable[tuple[Any, ...]]:
    """(by, tenant, error, count, first, last, one of the holders)"""
    counted = rows.order_by().values_list(by, "tenant_id", "error")
    found: Iterable[tuple[Any, ...]] = counted.annotate(
        Count("pk"), Min("finished_at"), Max("finished_at"), Max(holder)
    )
    return found


def _add(
    groups: dict[tuple[str, str], Group], kind: str, names: dict[int, str], destination: str, counted: list[Any]
) -> None:
    tenant, error, count, first, last, holder = counted
    key = (kind, cause_of(error))
    group = groups.get(key)
    if group is None:
        group = groups[key] = Group(kind, key[1], plain(error), error, holder, first, last)
    group.count += count
    group.first, group.last = min(group.first, first), max(group.last, last)
    group.tenants[names.get(tenant, "")] += count
    group.tenant_ids.add(tenant)
    if destination:
        group.destinations[destination] += count


def whom(tenant_ids: Iterable[int]) -> list[str]:
    """The active destinations that may be notified when events of these tenants are applied."""
    active = Destination.objects.filter(tenant__in=list(tenant_ids), active=True).order_by("channel", "name")
    return [f"{channel_label(one)} {one.name}" for one in active]
