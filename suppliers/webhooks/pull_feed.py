"""``receive``: a supplier pulls its own events (docs/reference/supplier-events.md#receive).

Notices get their position in a supplier's feed here, after their transaction's commit and under the supplier's row
lock. Numbering them when they are written would let a reader pass by a lower number that commits later.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, DateTimeField, F, When
from django.db.models.functions import Now

from orders.database.waiting import give_back_connection
from orders.values.problems import InvalidParameter, Problem, Unavailable
from suppliers.models import Notice, Supplier, SupplierPart

MOST = 100
"""Events of one answer (docs/reference/supplier-events.md#receive)."""
NUMBERED_AT_ONCE = 1000
"""Bounds the transaction that numbers a long-unread feed."""
LOOK_SECONDS = 0.25
"""How often a long poll looks for new events."""
LONG_POLLS_MOST = max(1, min(32, settings.HUB_WEB_THREADS // 4))
"""Long polls at a time per process: never more than a quarter of its threads, and so few that their looks (eight
small statements a second for each) stay below what PUTs ask."""
BUSY_RETRY_SECONDS = 5

_CURSOR = re.compile(r"_([1-9][0-9]{0,17})", re.ASCII)
_long_polls = threading.BoundedSemaphore(LONG_POLLS_MOST)


class EventsGone(Problem):
    """Events after the cursor were deleted when their time of keeping ended."""

    name, title, status = "events-gone", "The events asked for are no longer kept", 410


@dataclass(frozen=True, slots=True)
class Page:
    """Events of a feed, oldest first, and the cursor to continue from ("" before the first event)."""

    notices: list[Notice]
    cursor: str


def page_after(supplier: Supplier, cursor: str, *, hold_seconds: float) -> Page:
    """The events after a cursor; if there are none yet, waits for them up to ``hold_seconds``.

    Raises InvalidParameter for a wrong cursor, EventsGone for one older than the kept events, Unavailable when there
    are too many long polls.
    """
    after = _position(supplier, cursor)
    page = _look(supplier, cursor, after)
    if page.notices or hold_seconds <= 0:
        return page
    if not _long_polls.acquire(blocking=False):
        raise Unavailable("Too many requests wait for events just now.", retry_after=BUSY_RETRY_SECONDS)
    try:
        return _wait(lambda: _look(supplier, cursor, after), seconds=hold_seconds)
    finally:
        _long_polls.release()


def mark_notified(page: Page) -> None:
    """Mark the parts of handed-out events as notified, as a webhook does; a second call writes nothing."""
    parts = {notice.part_id for notice in page.notices}
    not_notified = SupplierPart.objects.filter(pk__in=parts, told_at__isnull=True)
    if not not_notified.exists():
        return
    unfetched = Case(
        When(fetched_at__isnull=True, then=Now()), default=F("unfetched_since"), output_field=DateTimeField()
    )
    with transaction.atomic():
        SupplierPart.hold(pk__in=parts, told_at__isnull=True)
        not_notified.update(told_at=Now(), unfetched_since=unfetched)


def event_json(notice: Notice) -> dict[str, Any]:
    """One event of the answer; ``attributes`` is the bare event as a webhook would carry it."""
    event = json.loads(notice.body)
    return {
        "id": f"_{notice.position}",
        "type": notice.event_type,
        "timestamp": event["timestamp"],
        "attributes": event,
    }


def _wait(look: Callable[[], Page], *, seconds: float) -> Page:
    until = time.monotonic() + seconds
    while True:
        page = look()
        left = until - time.monotonic()
        if page.notices or left <= 0:
            return page
        give_back_connection()
        time.sleep(min(LOOK_SECONDS, left))


def _look(supplier: Supplier, cursor: str, after: int) -> Page:
    number_notices(supplier)
    found = list(Notice.objects.filter(supplier=supplier, position__gt=after).order_by("position")[:MOST])
    return Page(found, f"_{found[-1].position}" if found else cursor)


def _position(supplier: Supplier, cursor: str) -> int:
    """The position of a cursor; 0 before the first event."""
    if not cursor:
        return 0
    named = _CURSOR.fullmatch(cursor)
    position = int(named.group(1)) if named else 0
    last = Supplier.objects.values_list("notices_numbered", flat=True).get(pk=supplier.pk)
    if not 0 < position <= last:
        raise InvalidParameter("lastEventId is no id of this feed; leave it out to begin with the oldest event kept.")
    kept = Notice.objects.filter(supplier=supplier, position__isnull=False).order_by("position").first()
    oldest = last + 1 if kept is None or kept.position is None else kept.position
    if position < oldest - 1:
        raise EventsGone(f"Events after {cursor} are no longer kept; the oldest kept is _{oldest}.")
    return position


def number_notices(supplier: Supplier) -> None:
    """Number the new notices, under the supplier's row lock."""
    if not Notice.objects.unnumbered().filter(supplier=supplier).exists():
        return
    with transaction.atomic():
        last = Supplier.objects.select_for_update().values_list("notices_numbered", flat=True).get(pk=supplier.pk)
        fresh = list(Notice.objects.unnumbered().filter(supplier=supplier).order_by("pk")[:NUMBERED_AT_ONCE])
        for number, notice in enumerate(fresh, start=last + 1):
            notice.position = number
        Notice.objects.bulk_update(fresh, ["position"])
        Supplier.objects.filter(pk=supplier.pk).update(notices_numbered=last + len(fresh))
