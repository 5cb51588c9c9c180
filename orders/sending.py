"""Sending what is owed: claim lane heads, hand them to threads, record each outcome as it comes.

    deliver -> claim lanes (commit) -> Channel.group -> threads: Channel.send -> record, guarded by the lease

One courier per process, with ``HUB_OUTBOUND_THREADS`` threads. Sending streams: nothing waits for the slowest, a
destination never has more in flight than its concurrency, and what is slow holds no thread that another could use
beyond that. At least once: a courier that dies leaves its leases to run out, and ids stay the same.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from orders.allowances import allowances
from orders.channels import Channel, Outcome, Request, Verdict, channels
from orders.models import Delivery, Destination
from orders.outcomes import Tried, record
from orders.queues import LANES, claim

log = structlog.get_logger("orderhub.outbox")

FAULT = "fault"
"""In a request's context: why it could not be made."""
IDLE_SECONDS = 0.05
"""While requests are under way: how often to look for other work that has come due."""


@dataclass(slots=True)
class _Sent:
    request: Request
    lease: uuid.UUID
    started_at: float


class Courier:
    """Claims, sends and records until nothing is due. One at a time per process; a second caller only nudges it."""

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._again = threading.Event()
        self._threads: ThreadPoolExecutor | None = None

    def run(self) -> None:
        self._again.set()
        while self._again.is_set() and self._running.acquire(blocking=False):
            try:
                self._again.clear()
                self._deliver_all()
            finally:
                self._running.release()

    def _deliver_all(self) -> None:
        self._threads = self._threads or ThreadPoolExecutor(settings.HUB_OUTBOUND_THREADS, thread_name_prefix="courier")
        under_way: dict[Future[Sequence[Outcome]], _Sent] = {}
        try:
            self._stream(self._threads, under_way)
        finally:
            if under_way:
                wait(under_way)
                _record(list(under_way), under_way)

    def _stream(self, threads: ThreadPoolExecutor, under_way: dict[Future[Sequence[Outcome]], _Sent]) -> None:
        while True:
            started = self._start(threads, room=2 * settings.HUB_OUTBOUND_THREADS - len(under_way), under_way=under_way)
            if not under_way:
                return
            done, _ = wait(under_way, timeout=0 if started else IDLE_SECONDS, return_when=FIRST_COMPLETED)
            _record(list(done), under_way)

    def _start(
        self, threads: ThreadPoolExecutor, *, room: int, under_way: dict[Future[Sequence[Outcome]], _Sent]
    ) -> bool:
        if room <= 0:
            return False
        started = False
        for sent in _claimed(room):
            under_way[threads.submit(_send, sent.request)] = sent
            started = True
        return started


def _claimed(room: int) -> list[_Sent]:
    """Lease due lane heads and group them into partner requests, at most ``room`` of them."""
    found: list[_Sent] = []
    for channel_name, limits in allowances(room).items():
        channel = channels()[channel_name]
        lease, lane_ids = claim(LANES, limits, lease_seconds=channel.lease_seconds)
        if not lane_ids:
            continue
        heads = _heads(lane_ids, lease)
        for destination, deliveries in heads:
            found += [_Sent(request, lease, time.monotonic()) for request in _grouped(channel, destination, deliveries)]
    return found


def _grouped(channel: Channel, destination: Destination, deliveries: list[Delivery]) -> list[Request]:
    """The channel's requests; where it cannot make them, one that fails with the reason, so that nobody else waits."""
    try:
        return list(channel.group(destination, deliveries))
    except Exception as error:  # a fault of ours at one destination must not stop the others
        log.error("preparing failed inside the hub", destination=str(destination.pk), exc_info=error)
        return [Request(destination, deliveries, {FAULT: f"preparing failed inside the hub ({type(error).__name__})"})]


def _heads(lane_ids: Sequence[int], lease: uuid.UUID) -> list[tuple[Destination, list[Delivery]]]:
    """The first pending delivery of each lane, by destination; lanes without one are closed."""
    from orders.lanes import close_empty

    first: dict[int, Delivery] = {}
    pending = Delivery.objects.filter(lane__in=lane_ids, status=Delivery.Status.PENDING).select_related("lane")
    for delivery in pending.order_by("lane_id", "-position"):
        first[delivery.lane_id] = delivery
    close_empty([lane for lane in lane_ids if lane not in first], lease)
    by_destination: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in sorted(first.values(), key=lambda delivery: delivery.pk):
        by_destination[delivery.destination_id].append(delivery)
    destinations = Destination.objects.select_related("tenant").in_bulk(by_destination)
    return [(destinations[pk], deliveries) for pk, deliveries in by_destination.items()]


def _send(request: Request) -> Sequence[Outcome]:
    """In a courier's thread, outside any transaction."""
    try:
        if FAULT in request.context:
            return [Outcome(Verdict.UNAVAILABLE, request.context[FAULT])] * len(request.deliveries)
        close_old_connections()
        return channels()[request.destination.channel].send(request)
    except Exception as error:  # a fault of ours must not lose the delivery
        log.error("sending failed inside the hub", destination=str(request.destination.pk), exc_info=error)
        words = f"sending failed inside the hub ({type(error).__name__}); see the log"
        return [Outcome(Verdict.UNAVAILABLE, words)] * len(request.deliveries)
    finally:
        close_old_connections()


def _record(done: Sequence[Future[Sequence[Outcome]]], under_way: dict[Future[Sequence[Outcome]], _Sent]) -> None:
    tried: list[Tried] = []
    for future in done:
        sent = under_way.pop(future)
        now, request_id = time.monotonic(), uuid.uuid4()
        for delivery, outcome in zip(sent.request.deliveries, future.result(), strict=True):
            tried.append(
                Tried(
                    delivery=delivery,
                    destination=sent.request.destination,
                    lease=sent.lease,
                    outcome=outcome,
                    request_id=request_id,
                    started_at=timezone.now() - timedelta(seconds=now - sent.started_at),
                    duration_ms=(now - sent.started_at) * 1000,
                )
            )
    if tried:
        record(tried)


_courier = Courier()


def deliver() -> None:
    """Send everything that is due; returns when nothing is. Called by the ``deliver`` task."""
    _courier.run()
