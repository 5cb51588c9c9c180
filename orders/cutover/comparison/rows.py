"""Store the results of comparisons: counts per hour, and the newest difference of each member of each order.

One transaction locks the queues of the orders whose differences change, by id. So two processes are serialised, and
between reading and writing no event of these orders is received and no customer is erased.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from orders.cutover.comparison.answers import Seen
from orders.cutover.comparison.documents import LISTED, SEVERITY_ORDER, Found
from orders.cutover.comparison.judging import Judged, Outcome, copies_of
from orders.cutover.ledger_hours import hour_of
from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.models import ComparisonHour, Difference, MemberHour, OrderQueue

POINTER_MOST = 300
"""As long as the column."""
OF_A_SEARCH = {"", *(f"/{name}" for name in LISTED)}
"""Members that a search answers; the empty one stands for the order itself."""


def write(judged: Sequence[Judged], resolved: Sequence[Seen], dropped: Counter[tuple[int, str]]) -> None:
    """``resolved``: differences that a later read no longer found. ``dropped``: (tenant, way) -> orders."""
    if not (judged or dropped):
        return
    with transaction.atomic():
        known = _known(judged)
        _lock_queues({queue_id for _, queue_id, _ in known} | {one.copy.queue_id for one in judged if one.differences})
        final = _confirmed(judged)
        now = DatabaseClock().now()
        _count(_hours(final, resolved, dropped), hour_of(now))
        _count_members(final, hour_of(now))
        _keep(final, known, now)


_Known = Sequence[tuple[int, int, str]]
"""(id, queue id, member) of differences."""


def _known(judged: Sequence[Judged]) -> _Known:
    rows = Difference.objects.filter(queue__in={one.copy.queue_id for one in judged})
    return list(rows.values_list("pk", "queue_id", "member"))


def _lock_queues(queue_ids: Iterable[int]) -> None:
    """Lock the queues until the transaction ends."""
    if wanted := set(queue_ids):
        locked = OrderQueue.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
        list(locked.values_list("pk", flat=True))


def _confirmed(judged: Sequence[Judged]) -> list[Judged]:
    """Check the wrong ones again with their queues locked: a copy that has changed since was stale."""
    copies = copies_of(one.seen for one in judged if one.differences)
    return [
        replace(one, outcome=Outcome.STALE, differences=())
        if one.differences and copies.get(one.seen.subject) != one.copy
        else one
        for one in judged
    ]


def _hours(
    final: Sequence[Judged], resolved: Sequence[Seen], dropped: Counter[tuple[int, str]]
) -> dict[tuple[int, str], Counter[str]]:
    """(tenant, way) -> outcome -> orders."""
    hours = defaultdict[tuple[int, str], Counter[str]](Counter)
    for one in final:
        hours[one.seen.key.tenant_id, one.seen.way][one.outcome.value] += one.seen.times
    for seen in resolved:
        hours[seen.key.tenant_id, seen.way][Outcome.STALE.value] += seen.times
    for (tenant_id, way), count in dropped.items():
        hours[tenant_id, way]["dropped"] += count
    return hours


def _count(hours: dict[tuple[int, str], Counter[str]], hour: datetime) -> None:
    """Write sorted rows, so that processes which write at the same time lock them in the same order."""
    columns = ("matched", "stale", "wrong", "dropped")
    rows = [
        (tenant_id, hour, way, *(counts[name] for name in columns))
        for (tenant_id, way), counts in sorted(hours.items())
    ]
    _HOUR.execute(_ADD_HOUR, rows)


def _count_members(final: Sequence[Judged], hour: datetime) -> None:
    counts = Counter[tuple[int, str, str]]()
    for one in final:
        for found in one.differences:
            counts[one.seen.key.tenant_id, found.member, found.kind] += one.seen.times
    rows = [(tenant_id, hour, member, kind, count) for (tenant_id, member, kind), count in sorted(counts.items())]
    _MEMBER.execute(_ADD_MEMBER, rows)


def _keep(final: Sequence[Judged], known: _Known, now: datetime) -> None:
    """Store what the last comparison of each order found and delete what it no longer found; a stale one counts not."""
    last = {one.seen.subject: one for one in final if one.outcome != Outcome.STALE}
    found: dict[tuple[int, str], tuple[Judged, Found]] = {}
    for one in last.values():
        for difference in sorted(one.differences, key=lambda each: SEVERITY_ORDER.index(each.kind), reverse=True):
            found[one.copy.queue_id, difference.member] = one, difference
    looked_at = {one.copy.queue_id: False for one in last.values()}
    looked_at |= {one.copy.queue_id: True for one in last.values() if not one.seen.is_listed}
    outdated = [
        pk
        for pk, queue_id, member in known
        if queue_id in looked_at and (looked_at[queue_id] or member in OF_A_SEARCH) and (queue_id, member) not in found
    ]
    if outdated:
        Difference.objects.filter(pk__in=outdated).delete()
    _DIFFERENCE.execute(_PUT, [_row(*found[place], now) for place in sorted(found)])


def _row(one: Judged, found: Found, now: datetime) -> tuple[object, ...]:
    place = (found.member, found.kind, found.pointer[:POINTER_MOST], found.places, found.here, found.there)
    return (one.seen.key.tenant_id, one.copy.queue_id, *one.seen.key[1:], *place, one.seen.times, now, now)


_HOUR = Columns(ComparisonHour, "tenant", "starts_at", "way", "matched", "stale", "wrong", "dropped")
_ADD_HOUR = """
    INSERT INTO orders_comparisonhour AS kept (tenant_id, starts_at, way, matched, stale, wrong, dropped)
    SELECT * FROM ({rows}) AS more WHERE true
    ON CONFLICT (tenant_id, starts_at, way) DO UPDATE SET matched = kept.matched + excluded.matched,
        stale = kept.stale + excluded.stale, wrong = kept.wrong + excluded.wrong,
        dropped = kept.dropped + excluded.dropped
"""
_MEMBER = Columns(MemberHour, "tenant", "starts_at", "member", "kind", "wrong")
_ADD_MEMBER = """
    INSERT INTO orders_memberhour AS kept (tenant_id, starts_at, member, kind, wrong)
    SELECT * FROM ({rows}) AS more WHERE true
    ON CONFLICT (tenant_id, starts_at, member, kind) DO UPDATE SET wrong = kept.wrong + excluded.wrong
"""
_DIFFERENCE = Columns(
    Difference,
    *("tenant", "queue", "business_unit_id", "customer_order_id", "member", "kind", "pointer", "places"),
    *("here", "there", "count", "first_seen_at", "last_seen_at"),
)
_PUT = """
    INSERT INTO orders_difference AS kept (tenant_id, queue_id, business_unit_id, customer_order_id, member, kind,
        pointer, places, here, there, count, first_seen_at, last_seen_at)
    SELECT * FROM ({rows}) AS found WHERE true
    ON CONFLICT (queue_id, member) DO UPDATE SET kind = excluded.kind, pointer = excluded.pointer,
        places = excluded.places, here = excluded.here, there = excluded.there, count = kept.count + excluded.count,
        last_seen_at = excluded.last_seen_at
"""
