"""How often the stored copies agree with the tenant's own system, and where they differ: for pages and the checklist.

One comparison is one order. A search answers only three members of an order, so a search without a difference proves
little: it never raises the rate, while one with a difference lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Sum

from orders.cutover.ledger_hours import hour_of
from orders.database.clock import DatabaseClock
from orders.models import ComparisonHour, Difference, MemberHour, Tenant

HOURS_KEPT = 90 * 24
"""A migration takes weeks, and its charts are needed for a while afterwards."""
DIFFERENCES_KEPT = timedelta(days=30)
"""After they were last seen: after a cut-over nothing is compared, and they may hold personal data."""


@dataclass(frozen=True)
class MatchRate:
    """Comparisons of whole orders, and those searches that differed. compared = matched + stale + wrong."""

    compared: int = 0
    matched: int = 0
    stale: int = 0
    wrong: int = 0

    @property
    def rate(self) -> float | None:
        """Share of matched ones, 0 to 1, without stale ones, which prove nothing. None when nothing was compared."""
        judged = self.matched + self.wrong
        return self.matched / judged if judged else None


def match_rate(tenant: Tenant, *, since: datetime) -> MatchRate:
    """Since the beginning of the hour of ``since``."""
    return _rate(_hours(tenant, since).aggregate(**_SUMS))


def rates_over_time(tenant: Tenant, *, hours: int) -> list[tuple[datetime, MatchRate]]:
    """The rate of each of the last ``hours`` hours, the present hour last."""
    newest = hour_of(DatabaseClock().now())
    first = newest - timedelta(hours=hours - 1)
    rows = _hours(tenant, first).values("starts_at").annotate(**_SUMS).order_by("starts_at")
    found = {row["starts_at"]: _rate(row) for row in rows}
    return [(at, found.get(at, MatchRate())) for at in (first + timedelta(hours=step) for step in range(hours))]


def dropped(tenant: Tenant, *, since: datetime) -> int:
    """Answers that were not compared, because too many were in memory."""
    return int(_hours(tenant, since).aggregate(dropped=Sum("dropped"))["dropped"] or 0)


def differences(tenant: Tenant) -> QuerySet[Difference]:
    """The open differences, the newest first."""
    return Difference.objects.filter(tenant=tenant).order_by("-last_seen_at", "-pk")


def members(tenant: Tenant, *, since: datetime) -> list[tuple[str, int, int]]:
    """(member, comparisons of it, of these wrong), the most often wrong first; those never wrong are not
    listed. A comparison of a whole order compares every member, also at one that the order does not have.
    """
    compared = match_rate(tenant, since=since).compared
    hours = MemberHour.objects.filter(tenant=tenant, starts_at__gte=hour_of(since))
    rows = hours.values("member").annotate(wrong=Sum("wrong")).order_by("-wrong", "member")
    return [(row["member"], max(compared, row["wrong"]), row["wrong"]) for row in rows.values("member", "wrong")]


def _hours(tenant: Tenant, since: datetime) -> QuerySet[ComparisonHour]:
    return ComparisonHour.objects.filter(tenant=tenant, starts_at__gte=hour_of(since))


_WHOLE = ~Q(way=ComparisonHour.Way.SEARCH)
_SUMS = {"all_matched": Sum("matched", filter=_WHOLE), "all_stale": Sum("stale"), "all_wrong": Sum("wrong")}


def _rate(row: Any) -> MatchRate:
    matched, stale, wrong = (int(row[name] or 0) for name in _SUMS)
    return MatchRate(compared=matched + stale + wrong, matched=matched, stale=stale, wrong=wrong)


def remove_old(*, most: int) -> int:
    """Delete counts that no chart shows and differences not seen for DIFFERENCES_KEPT; returns how many rows."""
    now = DatabaseClock().now()
    before = now - timedelta(hours=HOURS_KEPT)
    old: tuple[QuerySet[Any], ...] = (
        ComparisonHour.objects.filter(starts_at__lt=before),
        MemberHour.objects.filter(starts_at__lt=before),
        Difference.objects.filter(last_seen_at__lt=now - DIFFERENCES_KEPT),
    )
    return sum(rows.model._default_manager.filter(pk__in=list(_ids(rows)[:most])).delete()[0] for rows in old)


def _ids(rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    return rows.order_by("pk").values_list("pk", flat=True)
