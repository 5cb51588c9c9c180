"""Ask channels for despatches (docs/reference/orderflow.md#despatches): a row per despatch, each kept once.

    claim the poll (commit) -> ask, no transaction open -> keep what is new and move the cursor, guarded by the claim

The cursor is the highest ``completed`` seen. Both ends of what is asked for count, so the last ones come again and are
known by their reference; so do those of the hour that a zone's clocks repeat in autumn.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.db.models import QuerySet

from orderflow.models import Despatch, DespatchPoll, OrderFlowChannel, WarehouseOrder
from orderflow.site.client import Reply, Site, site_of
from orderflow.site.reads import DespatchNote
from orderflow.site.reports import Kind, Trouble
from orders.database.clock import DatabaseClock
from orders.integrations.channels import LEASE_MARGIN_SECONDS
from orders.integrations.periodic import each
from orders.masking.documents import Masker
from orders.models import Destination
from orders.outbox.destination_health import PROBE_SECONDS
from orders.outgoing import Deadline
from orders.telemetry import timeline_entries
from orders.values.instants import in_every_zone

ASK_SECONDS = 60.0
"""Limit of one poll: a read, not an import; other channels wait meanwhile."""
LEASE_SECONDS = ASK_SECONDS + LEASE_MARGIN_SECONDS
SITE_TIME = "%Y-%m-%d %H:%M:%S"
AHEAD = timedelta(days=1)
"""How far into the future to ask, because the site's clock may be ahead of ours."""
NARROWEST = timedelta(seconds=1)
"""The resolution of the site's times."""

log = structlog.get_logger("orderhub.despatches")


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer: the despatches up to ``until``; ``whole`` is False when more must be asked for at once."""

    notes: Sequence[DespatchNote]
    until: datetime
    whole: bool


class DespatchPolling:
    """Periodic work (orders.tasks)."""

    _running = threading.Lock()

    def due(self) -> bool:
        return _new_channels().exists() or _due_polls().exists()

    def run(self) -> None:
        """Poll every due channel; one round at a time per process, so that it uses one thread at most."""
        if not self._running.acquire(blocking=False):
            return
        try:
            _add_polls()
            each(_due_polls().select_related("channel__destination"), _poll_if_unclaimed)
        finally:
            self._running.release()


def _poll_if_unclaimed(poll: DespatchPoll) -> None:
    if _claimed(poll):
        poll_channel(poll)


def poll_channel(poll: DespatchPoll) -> None:
    """Ask once and store the answer. The caller has claimed the poll; calls the network, so in no transaction."""
    channel, now = poll.channel, datetime.now(UTC)
    since = _since(poll, channel)
    if since is None:
        _finish(poll, cursor="", wait=_pause(channel))
        return
    site = site_of(channel)
    zone = ZoneInfo(channel.time_zone)
    until = (now + AHEAD).astimezone(zone).replace(tzinfo=None)
    asked = site if isinstance(site, Trouble) else _ask(site, since, until)
    if isinstance(asked, Trouble):
        _fail(poll, asked)
    else:
        _keep(poll, asked)


def _polled_channels() -> QuerySet[OrderFlowChannel]:
    """Due polls of running channels; stopped and paused ones must be corrected or resumed first."""
    return OrderFlowChannel.objects.filter(
        poll_despatches_seconds__isnull=False,
        destination__active=True,
        destination__tenant__active=True,
        destination__state=Destination.State.RUNNING,
    )


def _new_channels() -> QuerySet[OrderFlowChannel]:
    return _polled_channels().filter(despatch_poll__isnull=True)


def _due_polls() -> QuerySet[DespatchPoll]:
    return DespatchPoll.objects.filter(due_at__lte=DatabaseClock().now(), channel__in=_polled_channels())


def _add_polls() -> None:
    now = DatabaseClock().now()
    polls = [DespatchPoll(channel=channel, due_at=now) for channel in _new_channels()]
    DespatchPoll.objects.bulk_create(polls, ignore_conflicts=True)


def _claimed(poll: DespatchPoll) -> bool:
    """Claim the poll; one worker wins. If it dies, the poll is due again after the lease."""
    lease = DatabaseClock().now(LEASE_SECONDS)
    won = DespatchPoll.objects.filter(pk=poll.pk, due_at=poll.due_at).update(due_at=lease)
    poll.due_at = lease
    return won == 1


def _pause(channel: OrderFlowChannel) -> float:
    return float(channel.poll_despatches_seconds or 0)


def _since(poll: DespatchPoll, channel: OrderFlowChannel) -> datetime | None:
    """From when to ask, in the site's zone; None while the channel never had an order."""
    zone = ZoneInfo(channel.time_zone)
    if poll.cursor:
        cursor = datetime.fromisoformat(poll.cursor)
        return cursor - _turned_back(cursor, zone)
    first = (
        WarehouseOrder.objects.filter(channel=channel).order_by("pk").values_list("first_received_at", flat=True)[:1]
    )
    return next((at.astimezone(zone).replace(tzinfo=None, microsecond=0) for at in first), None)


def _turned_back(local: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's clocks went back around this time: repeated local times are below the cursor."""
    before, after = ((local + timedelta(hours=hours)).replace(tzinfo=zone).utcoffset() for hours in (-2, 2))
    return max((before or timedelta()) - (after or timedelta()), timedelta())


def _ask(site: Site, since: datetime, until: datetime) -> Asked | Trouble:
    """Ask; if the answer is larger than the hub reads, ask for the earlier half, until it fits."""
    deadline, last = Deadline.after(ASK_SECONDS), until
    while True:
        found, reply = site.despatches(since.strftime(SITE_TIME), last.strftime(SITE_TIME), deadline=deadline)
        if not isinstance(found, Trouble):
            return Asked(found, last, whole=last == until)
        if not _may_narrow(reply, last - since):
            return found
        last = since + (last - since) / 2


def _may_narrow(reply: Reply, span: timedelta) -> bool:
    return reply.oversized and span > NARROWEST


def _fail(poll: DespatchPoll, trouble: Trouble) -> None:
    """After wrong credentials or a wrong address the site is asked again when a stopped channel would be probed."""
    misconfigured = trouble.kind is Kind.MISCONFIGURED
    wait = max(_pause(poll.channel), PROBE_SECONDS if misconfigured else 0.0)
    words = Masker().text(trouble.text)  # shown to all who may see the channel; the site may have named people
    log.warning("despatches not read", channel=str(poll.channel_id), reason=words)
    _finish(poll, cursor=poll.cursor, wait=wait, failure=words)


def _keep(poll: DespatchPoll, asked: Asked) -> None:
    zone = ZoneInfo(poll.channel.time_zone)
    at = {note.reference: moment for note in asked.notes if (moment := _instant(note.completed, zone)) is not None}
    seen = [moment.astimezone(zone).strftime(SITE_TIME) for moment in at.values()]
    reached = [] if asked.whole else [asked.until.strftime(SITE_TIME)]
    cursor = max([poll.cursor, *seen, *reached])
    notes = {note.reference: note for note in asked.notes if note.reference in at}
    with transaction.atomic():
        if _finish(poll, cursor=cursor, wait=_pause(poll.channel) if asked.whole else 0.0):
            _record(poll.channel, [_row(poll.channel, note, at[name]) for name, note in notes.items()])


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    """A time of the site, in the site's zone if it has none; None if it is not a time."""
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if in_every_zone(moment) else None


def _row(channel: OrderFlowChannel, note: DespatchNote, completed_at: datetime) -> Despatch:
    return Despatch(
        channel=channel,
        reference=note.reference,
        order_reference=note.order_reference,
        state=note.state,
        courier=note.courier,
        despatch_reference=note.despatch_reference,
        tracking_url=note.tracking_url,
        completed_at=completed_at,
        lines=dict(note.lines),
    )


def _record(channel: OrderFlowChannel, rows: Sequence[Despatch]) -> None:
    """Store new despatches and add them to the timelines of their orders, in the caller's transaction."""
    known = set(
        Despatch.objects.filter(channel=channel, reference__in=[row.reference for row in rows]).values_list(
            "reference", flat=True
        )
    )
    new = [row for row in rows if row.reference not in known]
    Despatch.objects.bulk_create(new, ignore_conflicts=True)
    orders = WarehouseOrder.objects.filter(channel=channel, reference__in=[row.order_reference for row in new])
    places = {order.reference: order for order in orders}
    for row in new:
        if row.order_reference in places:
            _add_entry(channel, places[row.order_reference], row)


def _add_entry(channel: OrderFlowChannel, order: WarehouseOrder, row: Despatch) -> None:
    items = ", ".join(f"{quantity} x {sku}" for sku, quantity in row.lines.items())
    by = f" with {row.courier}" if row.courier else ""
    detail = "; ".join(filter(None, (items, row.tracking_url)))
    what = f"{channel}: shipment {row.reference} despatched{by}"
    timeline_entries.record(
        order.key(channel.destination.tenant_id), source="warehouse", what=what, detail=detail, reference=row.reference
    )


def _finish(poll: DespatchPoll, *, cursor: str, wait: float, failure: str = "") -> bool:
    """Write the outcome; False, and nothing is written, when the claim was lost."""
    now = DatabaseClock().now()
    outcome = {"failing_since": poll.failing_since or now} if failure else {"failing_since": None, "answered_at": now}
    claimed = DespatchPoll.objects.filter(pk=poll.pk, due_at=poll.due_at)
    return claimed.update(cursor=cursor, due_at=now + timedelta(seconds=wait), failure=failure, **outcome) == 1


def tracked(order: WarehouseOrder) -> QuerySet[Despatch]:
    """The order's despatches, oldest first."""
    if order.reference is None:
        return Despatch.objects.none()
    found = Despatch.objects.filter(channel=order.channel_id, order_reference=order.reference)
    return found.order_by("completed_at", "pk")
