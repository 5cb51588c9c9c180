"""Decide for each answer whether the stored copy is matched, stale or wrong. Reads the database, writes nothing.

    no difference except ignored ones                                matched
    an event of the order is pending, or came after the read began   stale
    read less than JUDGED_AFTER_SECONDS ago                          not decided yet
    otherwise                                                        wrong

An order that is not stored yet is not compared; the ledger reports it as missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.db.models import F

from orders.cutover.comparison.answers import Seen
from orders.cutover.comparison.documents import WHOLE_ORDER, Found, compared
from orders.cutover.ignored_differences import IgnoredMembers, ignored_members_of
from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.documents import load
from orders.models import OrderEvent, OrderQueue
from orders.values.order_key import OrderKey

JUDGED_AFTER_SECONDS = 15.0
"""The tenant sends an event some seconds after the change in its own system, and the hub applies it within one."""
CLOCK_SECONDS = 0.002
"""SQLite keeps the time of reception in whole milliseconds, rounded down."""
ENVELOPE = b'{"customerOrder":', b"}"


class Outcome(StrEnum):
    MATCHED = "matched"
    STALE = "stale"
    WRONG = "wrong"


class Copy(NamedTuple):
    """The stored order, and whether an event of it is pending."""

    queue_id: int
    customer_id: str
    status: str
    document: str
    """Empty when only a search is compared with it."""
    has_pending: bool


@dataclass(frozen=True, slots=True)
class Judged:
    seen: Seen
    copy: Copy
    outcome: Outcome
    differences: Sequence[Found] = ()
    """Of a wrong copy: the differences that are not ignored."""


def judge(seen: Sequence[Seen]) -> tuple[list[Judged], list[Seen]]:
    """The decisions, and the answers that are too recent; ``seen`` is in the order of reading."""
    copies = copies_of(seen)
    stored = [(one, copies[one.subject]) for one in seen if one.subject in copies]
    ignored = ignored_members_of({one.key.tenant_id for one, _ in stored})
    found = [(one, copy, _differences(one, copy, ignored[one.key.tenant_id])) for one, copy in stored]
    newest = _newest_events([copy.queue_id for _, copy, differing in found if differing and not copy.has_pending])
    clock, read_at = DatabaseClock(), time.monotonic()
    matched_at = {one.subject: place for place, (one, _, differing) in enumerate(found) if not differing}
    judged, too_recent = list[Judged](), list[Seen]()
    for place, (one, copy, differing) in enumerate(found):
        age = read_at - one.began
        began_at = clock.now(-age - CLOCK_SECONDS)
        if not differing:
            judged.append(Judged(one, copy, Outcome.MATCHED))
        elif (
            copy.has_pending
            or newest.get(copy.queue_id, began_at) > began_at
            or matched_at.get(one.subject, -1) > place
        ):
            judged.append(Judged(one, copy, Outcome.STALE))
        elif age < JUDGED_AFTER_SECONDS:
            too_recent.append(one)
        else:
            judged.append(Judged(one, copy, Outcome.WRONG, differing))
    return judged, too_recent


def _differences(one: Seen, copy: Copy, ignored: IgnoredMembers) -> list[Found]:
    return [found for found in _all_differences(one, copy) if not ignored.covers(found.member, found.kind)]


def _all_differences(one: Seen, copy: Copy) -> list[Found]:
    if one.there is None:
        return [WHOLE_ORDER]
    if isinstance(one.there, tuple):
        customer_id, status = one.there
        here = {"customerId": copy.customer_id, "status": copy.status}
        return compared({"customerId": customer_id, "status": status}, here)
    if one.there == copy.document.encode().join(ENVELOPE):
        return []
    return compared(load(one.there)["customerOrder"], load(copy.document))


def _newest_events(queue_ids: Sequence[int]) -> dict[int, datetime]:
    """When the last event of each order was received, by queue id."""
    if not queue_ids:
        return {}
    newest = OrderEvent.objects.filter(queue__in=set(queue_ids), sequence=F("queue__last_sequence"))
    return dict(newest.values_list("queue_id", "received_at"))


def copies_of(seen: Iterable[Seen]) -> dict[tuple[OrderKey, bool], Copy]:
    """The stored orders; without the document where only a search is compared."""
    subjects = {one.subject for one in seen}
    found = dict[tuple[OrderKey, bool], Copy]()
    for listed, sql in ((True, _LISTED_COPIES), (False, _WHOLE_COPIES)):
        keys = sorted(key for key, is_listed in subjects if is_listed == listed)
        for row in _KEYS.fetch(sql, keys):
            *place, queue_id, customer_id, status, document, last, done = row
            found[OrderKey(*place), listed] = Copy(queue_id, customer_id, status, document, has_pending=last > done)
    return found


_KEYS = Columns(OrderQueue, "tenant", "business_unit_id", "customer_order_id")
_COPIES = """
    WITH seen (tenant_id, business_unit_id, customer_order_id) AS ({{rows}})
    SELECT queue.tenant_id, queue.business_unit_id, queue.customer_order_id, queue.id, stored.customer_id,
        stored.status, {document}, queue.last_sequence, queue.done_sequence
    FROM seen JOIN orders_orderqueue AS queue ON queue.tenant_id = seen.tenant_id
        AND queue.business_unit_id = seen.business_unit_id AND queue.customer_order_id = seen.customer_order_id
    JOIN orders_order AS stored ON stored.queue_id = queue.id
"""
_LISTED_COPIES = _COPIES.format(document="''")
_WHOLE_COPIES = _COPIES.format(document="stored.document")
