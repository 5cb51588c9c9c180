"""Sending what is owed: claim lane heads, hand them to threads, record the outcomes as they come.

    deliver -> claim lanes (commit) -> Channel.group -> threads: Channel.send -> record, guarded by the lease

One courier per process, with ``HUB_OUTBOUND_THREADS`` threads that do nothing but the partner's call: all work in the
database is this loop's, set-wise, for what came in within GATHER_SECONDS. Sending streams: nothing waits for the
slowest, a destination never has more in flight than its concurrency, and what is slow holds no thread that another
could use beyond that. At least once: a courier that dies leaves its leases to run out, and ids stay the same.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from queue import Empty

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.db.models import F
from django.utils import timezone

from orders.channels import Channel, Outcome, Request, Verdict, channels
from orders.models import Delivery, Destination, Lane
from orders.outbox import health
from orders.outbox.allowances import allowances
from orders.outbox.desk import Desk, Sent
from orders.outbox.outcomes import Tried, record
from orders.queues import LANES, claim

log = structlog.get_logger("orderhub.outbox")

FAULT = "orders.outbox.sending: not prepared"
"""In a request's context: why it could not be made. No word that a channel puts there itself."""
IDLE_SECONDS = 0.05
"""While requests are under way: how often to look for other work that has come due."""
GATHER_SECONDS = 0.01
"""How long outcomes are gathered into one recording: short against any partner's answer, long enough for some ten."""
CLAIMED_PER_THREAD = 8
"""Requests claimed per thread, so that no thread waits while this loop speaks with the database. Each look at the
database costs much the same for ten rows as for a hundred, and this thread gets its turn as one of many."""


class Courier:
    """Claims, sends and records until nothing is due. One at a time per process; a second caller only nudges it."""

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._again = threading.Event()
        self._desk: Desk | None = None
        self._under_way = 0

    def run(self) -> None:
        self._again.set()
        while self._again.is_set() and self._running.acquire(blocking=False):
            try:
                self._again.clear()
                self._deliver_all()
            finally:
                self._running.release()

    def _deliver_all(self) -> None:
        desk = self._desk = self._desk or Desk(settings.HUB_OUTBOUND_THREADS, send=_send)
        try:
            self._stream(desk)
        finally:
            left = [desk.back.get() for _ in range(self._under_way)]
            self._under_way = 0
            _record(left)

    def _stream(self, desk: Desk) -> None:
        """Claim when a quarter of what may be claimed has been sent, or nothing waits for a thread any more."""
        most = CLAIMED_PER_THREAD * settings.HUB_OUTBOUND_THREADS
        look_at = 0.0
        while True:
            room = most - self._under_way
            wanted = room > 0 and (not desk.waiting or room >= most // 4)
            if wanted and (not self._under_way or time.monotonic() >= look_at):
                claimed = claim_requests(room, most=most)
                self._under_way += len(claimed)
                desk.put(claimed)
                look_at = 0.0 if claimed else time.monotonic() + IDLE_SECONDS
            if not self._under_way:
                return
            back = self._gathered(desk)
            _record(back)
            look_at = 0.0 if back else look_at

    def _gathered(self, desk: Desk) -> list[Sent]:
        """What came back: waits IDLE_SECONDS for the first, and for more while others wait for a thread."""
        back: list[Sent] = []
        until = time.monotonic() + IDLE_SECONDS
        while self._under_way and (left := until - time.monotonic()) > 0:
            try:
                back.append(desk.back.get(timeout=left))
            except Empty:
                break
            self._under_way -= 1
            if len(back) == 1:
                until = time.monotonic() + GATHER_SECONDS
            if not desk.waiting and desk.back.empty():
                break
        return back


def claim_requests(room: int, *, most: int) -> list[Sent]:
    """Lease due lane heads and group them into partner requests, at most ``room`` of them.

    Commits; whoever calls it sends them and records what they came to, or the leases run out.
    """
    allowed = allowances(room, most=most)
    destinations = {destination.pk: destination for destination in allowed}
    by_channel: dict[str, dict[int, int]] = defaultdict(dict)
    for destination, heads in allowed.items():
        by_channel[destination.channel][destination.pk] = heads
    found: list[Sent] = []
    for name, limits in by_channel.items():
        channel = channels()[name]
        lease, lane_ids = claim(LANES, limits, lease_seconds=channel.lease_seconds)
        for pk, deliveries in _heads(lane_ids, lease).items():
            requests = _grouped(channel, destinations[pk], deliveries)
            found += [Sent(request, lease) for request in requests]
    return found


def _grouped(channel: Channel, destination: Destination, deliveries: list[Delivery]) -> list[Request]:
    """The channel's requests; where it cannot make them, one that fails with the reason, so that nobody else waits."""
    try:
        return list(channel.group(destination, deliveries))
    except Exception as error:  # a fault of ours at one destination must not stop the others
        log.error("preparing failed inside the hub", **health.named(destination), exc_info=error)
        return [Request(destination, deliveries, {FAULT: f"preparing failed inside the hub ({type(error).__name__})"})]


def _heads(lane_ids: Sequence[int], lease: uuid.UUID) -> dict[int, list[Delivery]]:
    """The first pending delivery of each lane, by destination; lanes without one are closed."""
    if not lane_ids:
        return {}
    first: dict[int, Delivery] = {}
    pending = Delivery.objects.filter(lane__in=lane_ids, status=Delivery.Status.PENDING).select_related("lane")
    for delivery in pending.order_by("lane_id", "-position"):
        first[delivery.lane_id] = delivery
    if len(first) < len(lane_ids):
        _close_empty([lane for lane in lane_ids if lane not in first], lease)
    by_destination: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in sorted(first.values(), key=lambda delivery: delivery.pk):
        by_destination[delivery.destination_id].append(delivery)
    return by_destination


def _close_empty(lane_ids: Sequence[int], lease: uuid.UUID) -> None:
    """Release leased lanes in which nothing is pending."""
    Lane.objects.filter(pk__in=lane_ids, lease=lease).update(
        lease=None, losses=0, due_at=None, done_position=F("last_position")
    )


def _send(request: Request) -> Sequence[Outcome]:
    """One outcome per delivery, whatever happens."""
    try:
        if FAULT in request.context:
            return [Outcome(Verdict.UNAVAILABLE, request.context[FAULT])] * len(request.deliveries)
        close_old_connections()
        return channels()[request.destination.channel].send(request)
    except Exception as error:  # a fault of ours must not lose the delivery
        log.error("sending failed inside the hub", **health.named(request.destination), exc_info=error)
        words = f"sending failed inside the hub ({type(error).__name__}); see the log"
        return [Outcome(Verdict.UNAVAILABLE, words)] * len(request.deliveries)
    finally:
        close_old_connections()


def _record(back: Sequence[Sent]) -> None:
    if not back:
        return
    now, ticks = timezone.now(), time.monotonic()
    tried: list[Tried] = []
    for sent in back:
        request_id, began = uuid.uuid4(), now - timedelta(seconds=ticks - sent.began)
        milliseconds = (sent.ended - sent.began) * 1000
        tried += [
            Tried(delivery, sent.request.destination, sent.lease, outcome, request_id, began, milliseconds)
            for delivery, outcome in zip(sent.request.deliveries, sent.outcomes, strict=True)
        ]
    record(tried)


_courier = Courier()


def deliver() -> None:
    """Send everything that is due; returns when nothing is. Called by the ``deliver`` task."""
    _courier.run()
