"""The tenants of the home page, one row each: event rate, oldest due work, destinations, read times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orders.integrations import integrations
from orders.integrations.console import Fact
from orders.models import Destination, Figure, Tenant
from orders.monitoring import counters
from orders.monitoring.counters import RATE_MINUTES, Work
from orders.monitoring.progress import OldestDue
from orders.values.time_text import in_milliseconds, in_words

SHOWN_MOST = 50
"""Rows on the home page; the rest is found in the list of tenants."""
KIND_LABELS = {"orderflow": "warehouses", "supplier": "suppliers"}


@dataclass(frozen=True, slots=True)
class DestinationSummary:
    """The destinations of one kind: how many run, and each that does not."""

    kind: str
    running: int
    others: list[Destination]


@dataclass(frozen=True, slots=True)
class TenantRow:
    tenant: Tenant
    rate: str
    oldest: str
    destinations: list[DestinationSummary]
    reads: str
    failed_reads: int
    facts: list[Fact]


def facts_of(tenants: Sequence[Tenant]) -> dict[int, list[Fact]]:
    """The facts that integrations show about each tenant, by its id."""
    found: dict[int, list[Fact]] = defaultdict(list)
    for one in integrations():
        for tenant_id, facts in one.tenant_facts(tenants).items():
            found[tenant_id] += facts
    return dict(found)


def tenant_rows(tenant_id: int | None, due: Mapping[int, OldestDue], now: datetime) -> tuple[list[TenantRow], bool]:
    """The first SHOWN_MOST by name, and whether there are more; in a fixed number of queries."""
    own = Tenant.objects.order_by("name", "pk").prefetch_related("destinations__tenant")
    own = own if tenant_id is None else own.filter(pk=tenant_id)
    found = list(own[: SHOWN_MOST + 1])
    tenants, more = found[:SHOWN_MOST], len(found) > SHOWN_MOST
    work, facts = counters.by_tenant(tenant_id, now), facts_of(tenants)
    rows = [_row(one, due.get(one.pk), work.get(one.pk) or Work(), facts.get(one.pk, [])) for one in tenants]
    return rows, more


def _row(tenant: Tenant, due: OldestDue | None, work: Work, facts: list[Fact]) -> TenantRow:
    reads_through = tenant.mode != Tenant.Mode.EVENTS
    slow = work.lengths.at(0.95)
    return TenantRow(
        tenant=tenant,
        rate=_rate(work.counts[Figure.Name.RECEIVED]),
        oldest=_oldest(due),
        destinations=_destinations(tenant),
        reads=("none in an hour" if slow is None else in_milliseconds(slow)) if reads_through else "",
        failed_reads=work.counts[Figure.Name.READ_FAILED],
        facts=facts,
    )


def _rate(count: int) -> str:
    """Per minute; below one a decimal."""
    rate = count / RATE_MINUTES
    return f"{rate:,.0f}/min" if rate >= 10 or not rate else f"{rate:.1f}/min"


def _oldest(due: OldestDue | None) -> str:
    ages = [age for age in (due.events, due.deliveries) if age is not None] if due else []
    return in_words(max(ages)) if ages else "nothing due"


def _destinations(tenant: Tenant) -> list[DestinationSummary]:
    kinds: dict[str, list[Destination]] = {}
    for one in tenant.destinations.all():
        kinds.setdefault(KIND_LABELS.get(one.channel, one.channel), []).append(one)
    return [_of_kind(kind, ones) for kind, ones in sorted(kinds.items(), reverse=True)]


def _of_kind(kind: str, ones: list[Destination]) -> DestinationSummary:
    others = [one for one in ones if not _runs(one)]
    return DestinationSummary(kind, len(ones) - len(others), others)


def _runs(one: Destination) -> bool:
    running = one.state == Destination.State.RUNNING and one.open_seconds is None
    return running and one.active and one.tenant.active
