"""Record the outcomes of attempts: the delivery, its lane, the attempt and the destination's health.

Guarded by the lease: a dispatcher that outlived its lease records nothing, as another may have the lane.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError, transaction

from orders.database.bulk_sql import Columns
from orders.database.clock import DatabaseClock
from orders.database.lock_errors import WORKER_LOCK_SECONDS, limit_lock_waits, may_be_repeated
from orders.integrations import channels
from orders.integrations.channels import Outcome, Verdict
from orders.models import Delivery, DeliveryAttempt, Destination, Lane
from orders.outbox.destination_health import hold, judge, named
from orders.queueing.retry_schedule import JITTER, next_try
from orders.telemetry import counters, tracing
from orders.values.storable_text import RESPONSE_CUT, storable

DETAIL_CUT = 5_000
"""Characters of an outcome's sentence, which may quote the partner twice (a refusal's message and its detail)."""

RECORDED_MOST = 5
"""Attempts at one recording: each deadlock lets another transaction through, and few run at a time."""
_DECIDED = ("attempts", "error", "status", "finished_at")

log = structlog.get_logger("orderhub.outbox")


@dataclass(frozen=True, slots=True)
class CompletedAttempt:
    delivery: Delivery
    destination: Destination
    lease: uuid.UUID
    outcome: Outcome
    request_id: uuid.UUID
    started_at: datetime
    duration_ms: float


def record(
    tried: Sequence[CompletedAttempt], *, lock_seconds: float = WORKER_LOCK_SECONDS, inform: bool = True
) -> None:
    """Write outcomes in one transaction; those whose lease was lost are left out.

    It is repeated after a deadlock. Any other error leaves rows and ``tried`` as they were. ``inform``: whether the
    channels store what they learned.
    """
    before = [(one.delivery, {name: getattr(one.delivery, name) for name in _DECIDED}) for one in tried]
    for left in reversed(range(RECORDED_MOST)):
        try:
            _record(tried, lock_seconds=lock_seconds, inform=inform)
            return
        except Exception as error:
            for delivery, values in before:
                for name, value in values.items():
                    setattr(delivery, name, value)
            if not left or not (isinstance(error, OperationalError) and may_be_repeated(error)):
                raise
            log.warning("recording is tried again", because=str(error))


@transaction.atomic
def _record(tried: Sequence[CompletedAttempt], *, lock_seconds: float, inform: bool) -> None:
    limit_lock_waits(lock_seconds)
    hold([(one.destination, one.outcome) for one in tried if _shows_health(one.outcome)])
    lanes = _lock_leased(tried)
    clock = DatabaseClock.recent()
    kept = sorted((one for one in tried if one.delivery.lane_id in lanes), key=lambda one: one.delivery.lane_id)
    if not kept:
        return
    replaced_by = _replaced_by(kept, lanes)
    for one in kept:
        _decide(one, lanes[one.delivery.lane_id], clock, replaced_by.get(one.delivery.pk))
    _write(kept, lanes)
    if inform:
        _inform_channels(kept)
    per_request = _most_severe(kept)
    judge([(one.destination, one.outcome) for one in per_request], clock)
    transaction.on_commit(lambda: _count(kept, per_request))


def _trace(one: CompletedAttempt) -> None:
    about = {
        "orderhub.delivery_id": str(one.delivery.pk),
        "orderhub.destination": one.destination.name,
        "orderhub.verdict": one.outcome.verdict.value,
    }
    tracing.sent(one.delivery.event_id, began=one.started_at, milliseconds=one.duration_ms, attributes=about)


def _count(kept: Sequence[CompletedAttempt], per_request: Sequence[CompletedAttempt]) -> None:
    """Counters and traces; a delivery that was superseded or held back was no attempt."""
    for one in kept:
        if one.outcome.verdict not in (Verdict.HELD, Verdict.SUPERSEDED):
            delivered = one.outcome.verdict is Verdict.DELIVERED
            counters.tried(one.destination, delivered=delivered, dead=one.delivery.status == Delivery.Status.DEAD)
            _trace(one)
    for one in per_request:
        counters.took(one.destination, one.duration_ms)


def _lock_leased(tried: Sequence[CompletedAttempt]) -> dict[int, Lane]:
    """Lock the lanes (docs/design/locks.md); returns those that still have the lease of their attempt, by id."""
    locked = Lane.locked().filter(pk__in=[one.delivery.lane_id for one in tried])
    leases = {one.delivery.lane_id: one.lease for one in tried}
    found = {lane.pk: lane for lane in locked if lane.lease == leases[lane.pk]}
    if len(found) < len(leases):
        log.warning("a worker that outlived its lease records nothing", lanes=len(leases) - len(found))
    return found


def _replaced_by(kept: Sequence[CompletedAttempt], lanes: dict[int, Lane]) -> dict[uuid.UUID, uuid.UUID]:
    """For each undelivered row, the newest delivery of its lane that was added meanwhile and replaces it."""
    failed = [
        one.delivery
        for one in kept
        if one.outcome.verdict not in (Verdict.DELIVERED, Verdict.SUPERSEDED)
        and lanes[one.delivery.lane_id].last_position > one.delivery.position
    ]
    if not failed:
        return {}
    replacing = Delivery.objects.filter(lane__in=[delivery.lane_id for delivery in failed], replaces_unsent=True)
    newest = {
        lane: (position, pk)
        for lane, position, pk in replacing.order_by("position").values_list("lane", "position", "pk")
    }
    return {
        delivery.pk: newest[delivery.lane_id][1]
        for delivery in failed
        if delivery.lane_id in newest and newest[delivery.lane_id][0] > delivery.position
    }


def _decide(one: CompletedAttempt, lane: Lane, clock: DatabaseClock, replaced_by: uuid.UUID | None) -> None:
    """Apply the outcome to the delivery and its lane in memory."""
    delivery, outcome, now = one.delivery, one.outcome, clock.now()
    finished = Delivery.Status.SUPERSEDED if replaced_by else _finished(one, clock)
    delivery.superseded_by = replaced_by
    if outcome.verdict not in (Verdict.HELD, Verdict.MISCONFIGURED):
        delivery.attempts += 1
    delivery.error = "" if outcome.verdict == Verdict.DELIVERED else storable(outcome.detail, DETAIL_CUT)
    if not isinstance(finished, str):
        lane.due_at = finished
        return
    if finished == Delivery.Status.DEAD and _was_delivered(delivery):
        finished = Delivery.Status.DELIVERED
    delivery.status, delivery.finished_at = finished, now
    lane.done_position = delivery.position
    if finished == Delivery.Status.DEAD:
        dead = {"delivery": str(delivery.pk), "kind": delivery.kind, "answered": outcome.response_status}
        log.error("delivery dead", **dead, **named(one.destination))
        if channels()[one.destination.channel].holds_lane(delivery.kind):
            lane.held_by = delivery.pk
    more = lane.last_position > lane.done_position and lane.held_by is None
    lane.due_at = now if more else None


def _was_delivered(delivery: Delivery) -> bool:
    """Whether this is a redelivery that its receiver asked for: it stays delivered, whatever the new attempts give."""
    again = delivery.tries_left_from > 0
    return again and DeliveryAttempt.objects.filter(delivery=delivery, verdict=Verdict.DELIVERED.value).exists()


def _write(kept: Sequence[CompletedAttempt], lanes: dict[int, Lane]) -> None:
    """Write lanes, deliveries and attempts: three statements in all."""
    done = [lanes[one.delivery.lane_id] for one in kept]
    _LANE.execute(_WRITE_LANES, [(lane.pk, lane.done_position, lane.due_at, lane.held_by) for lane in done])
    rows = [one.delivery for one in kept]
    states = [(row.pk, row.attempts, row.error, row.status, row.finished_at, row.superseded_by) for row in rows]
    _DELIVERY.execute(_WRITE_DELIVERIES, states)
    _ATTEMPT.execute(_WRITE_ATTEMPTS, [_attempt(one) for one in kept if one.outcome.verdict != Verdict.HELD])


_LANE = Columns(Lane, "id", "done_position", "due_at", "held_by")
_DELIVERY = Columns(Delivery, "id", "attempts", "error", "status", "finished_at", "superseded_by")
_ATTEMPT = Columns(
    DeliveryAttempt, "delivery", "number", "request_id", "started_at", "duration_ms", "verdict", "detail",
    "response_status", "response_cut",
)  # fmt: skip
_WRITE_LANES = """
    WITH done (id, done_position, due_at, held_by) AS ({rows})
    UPDATE orders_lane SET lease = NULL, losses = 0, done_position = done.done_position, due_at = done.due_at,
        held_by = done.held_by
    FROM done WHERE orders_lane.id = done.id
"""
_WRITE_DELIVERIES = """
    WITH done (id, attempts, error, status, finished_at, superseded_by) AS ({rows})
    UPDATE orders_delivery SET attempts = done.attempts, error = done.error, status = done.status,
        finished_at = done.finished_at, superseded_by = done.superseded_by
    FROM done WHERE orders_delivery.id = done.id
"""
_WRITE_ATTEMPTS = """
    INSERT INTO orders_deliveryattempt
        (delivery_id, number, request_id, started_at, duration_ms, verdict, detail, response_status, response_cut)
    {rows}
"""


def _inform_channels(kept: Sequence[CompletedAttempt]) -> None:
    by_channel: dict[str, list[tuple[Delivery, Outcome]]] = defaultdict(list)
    for one in kept:
        by_channel[one.destination.channel].append((one.delivery, one.outcome))
    for name, channel in channels().items():  # in the order in which planning writes their rows: locks.md
        if name in by_channel:
            channel.recorded(by_channel[name])


def _finished(one: CompletedAttempt, clock: DatabaseClock) -> str | datetime:
    """The status in which the delivery ends, or the moment of its next attempt."""
    outcome, delivery, now = one.outcome, one.delivery, clock.now()
    match outcome.verdict:
        case Verdict.DELIVERED:
            return Delivery.Status.DELIVERED
        case Verdict.SUPERSEDED:
            return Delivery.Status.SUPERSEDED
        case Verdict.REJECTED:
            return Delivery.Status.DEAD
        case Verdict.MISCONFIGURED:
            return now
        case Verdict.HELD:
            return clock.now(outcome.retry_after or 0.0)
    schedule = one.destination.retry_schedule or settings.HUB_DELIVERY_RETRY_SCHEDULE
    tries = delivery.attempts + 1 - delivery.tries_left_from
    at = next_try(schedule, tries, now=now, jitter=JITTER, retry_after=outcome.retry_after)
    return Delivery.Status.DEAD if at is None else at


def _most_severe(tried: Sequence[CompletedAttempt]) -> list[CompletedAttempt]:
    """The most severe outcome of each partner request: 100 imports in one document without an answer are one failure.

    Outcomes without a call to the partner are left out: they say nothing about its health.
    """
    most_severe: dict[uuid.UUID, CompletedAttempt] = {}
    for one in tried:
        best = most_severe.get(one.request_id)
        if _shows_health(one.outcome) and (best is None or _severity(one.outcome) > _severity(best.outcome)):
            most_severe[one.request_id] = one
    return list(most_severe.values())


def _shows_health(outcome: Outcome) -> bool:
    """Whether the outcome says something about the partner: it answered, failed, or is misconfigured."""
    called = outcome.response_status is not None or outcome.counts_for_breaker
    return called or outcome.verdict in (Verdict.DELIVERED, Verdict.MISCONFIGURED)


def _severity(outcome: Outcome) -> tuple[bool, bool, bool]:
    """Misconfigured first, then a request to wait; any answer ranks above a failure, as the partner is reachable."""
    misconfigured = outcome.verdict is Verdict.MISCONFIGURED
    return misconfigured, outcome.destination_waits, not outcome.counts_for_breaker


def _attempt(one: CompletedAttempt) -> tuple[Any, ...]:
    outcome = one.outcome
    detail, cut = storable(outcome.detail, DETAIL_CUT), storable(outcome.response_cut, RESPONSE_CUT)
    return (
        one.delivery.pk, one.delivery.attempts, one.request_id, one.started_at, round(one.duration_ms, 1),
        outcome.verdict.value, detail, outcome.response_status, cut,
    )  # fmt: skip
