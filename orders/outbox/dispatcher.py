"""Send pending deliveries: claim lane heads, hand them to threads, record the outcomes as they come.

    deliver -> claim lanes (commit) -> Channel.group -> threads: Channel.send -> record, guarded by the lease

One dispatcher per process, with ``HUB_OUTBOUND_THREADS`` threads that only call partners. This loop does all work in
the database, in bulk, for the outcomes of GATHER_SECONDS. Sending is a stream: a slow call delays no other, and a
destination never has more requests in flight than its concurrency. Delivery is at least once: when a dispatcher dies,
its leases run out and another one sends the same deliveries with the same ids.

Leases are short and this loop renews them while calls run, so that a killed dispatcher's deliveries are sent soon; no
lease is renewed beyond the channel's ``lease_seconds``. A database error ends neither the loop nor running calls. A row
that another transaction has locked is waited for a second at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from queue import Empty

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from orders.integrations import channels
from orders.integrations.channels import Channel, Outcome, Request, Verdict
from orders.models import Delivery, Destination
from orders.outbox import destination_health
from orders.outbox.lane_heads import ClaimedHeads, claim_heads
from orders.outbox.recorder import Recorder, outlived
from orders.outbox.send_pool import SendPool, Sent
from orders.queueing.claims import LANES, LEASE_SECONDS, renew

log = structlog.get_logger("orderhub.outbox")

FAULT = "orders.outbox.dispatcher: not prepared"
"""Key in a request's context: the outcome of one that could not be prepared. No channel uses this key."""
IDLE_SECONDS = 0.05
"""How often to look for more due work while requests are under way."""
GATHER_SECONDS = 0.01
"""How long outcomes are gathered into one recording: far shorter than a partner's answer, long enough for some ten."""
CLAIMED_PER_THREAD = 8
"""Requests claimed per thread, so that no thread is idle while this loop queries the database. A query costs much the
same for ten rows as for a hundred, and this thread shares the interpreter with all others."""
RENEW_SECONDS = LEASE_SECONDS / 3
"""How often leases are renewed: two renewals may fail before one runs out."""
REST_SECONDS = 1.0
"""Between two attempts while the database fails: the interval of the sweep."""


class Dispatcher:
    """Claims, sends and records until nothing is due. One run at a time per process; a second call extends that run."""

    def __init__(self) -> None:
        self._running = threading.Lock()
        self._again = threading.Event()
        self._pool: SendPool | None = None
        self._under_way: set[Sent] = set()
        """Claimed and not yet recorded; kept between two runs."""
        self._recorder = Recorder(self._under_way.discard)
        self._look_at = self._renew_at = 0.0

    def run(self) -> None:
        self._again.set()
        while self._again.is_set() and self._running.acquire(blocking=False):
            try:
                self._again.clear()
                self._stream()
            finally:
                self._running.release()

    def _stream(self) -> None:
        """Loop until nothing is due or under way. An error does not end it while calls are under way.

        Claims come last: trouble with them keeps no lease from being renewed and no outcome from being recorded.
        """
        pool = self._pool = self._pool or SendPool(settings.HUB_OUTBOUND_THREADS, send=_send)
        self._look_at = 0.0
        while True:
            try:
                self._renew()
                self._record(pool)
                self._claim(pool)
                if not self._under_way:
                    return
            except Exception as error:
                if not self._under_way:
                    raise
                log.error("dispatching failed; continuing with the calls under way", exc_info=error)
                close_old_connections()
                time.sleep(REST_SECONDS)

    def _claim(self, pool: SendPool) -> None:
        """Claim more when no request waits for a thread, or a quarter of the claimable number is free."""
        most = CLAIMED_PER_THREAD * settings.HUB_OUTBOUND_THREADS
        room = most - len(self._under_way)
        wanted = room > 0 and (not pool.waiting or room >= most // 4)
        if not wanted or (self._under_way and time.monotonic() < self._look_at):
            return
        if not self._under_way:
            self._renew_at = time.monotonic() + RENEW_SECONDS
        claimed = claim_requests(room, most=most)
        self._under_way.update(claimed)
        pool.put(claimed)
        self._look_at = 0.0 if claimed else time.monotonic() + IDLE_SECONDS

    def _renew(self) -> None:
        """Renew the leases of everything under way, except those older than their channel's ``lease_seconds``."""
        now = time.monotonic()
        if now < self._renew_at:
            return
        self._renew_at = now + RENEW_SECONDS
        current = [sent for sent in self._under_way if not outlived(sent, now)]
        lanes = {delivery.lane_id: sent.lease for sent in current for delivery in sent.request.deliveries}
        if lanes:
            renew(LANES, lanes)

    def _gathered(self, pool: SendPool) -> list[Sent]:
        """Finished requests: waits up to IDLE_SECONDS for the first, then up to GATHER_SECONDS for more."""
        back: list[Sent] = []
        until = time.monotonic() + IDLE_SECONDS
        while len(back) < len(self._under_way) and (left := until - time.monotonic()) > 0:
            try:
                back.append(pool.back.get(timeout=left))
            except Empty:
                break
            if len(back) == 1:
                until = time.monotonic() + GATHER_SECONDS
            if not pool.waiting and pool.back.empty():
                break
        return back

    def _record(self, pool: SendPool) -> None:
        before = len(self._under_way)
        self._recorder.add(self._gathered(pool))
        self._recorder.work()
        if len(self._under_way) < before:
            self._look_at = 0.0


def claim_requests(room: int, *, most: int) -> list[Sent]:
    """Lease due lane heads and group them into partner requests, at most ``room`` of them.

    Commits. The caller sends them and records the outcomes; otherwise the leases run out.
    """
    return [sent for claimed in claim_heads(room, most=most) for sent in requests_of(claimed)]


def requests_of(claimed: ClaimedHeads) -> list[Sent]:
    """The requests that send claimed heads. Another dispatcher may have them by now: see ``Channel.group``."""
    destination = claimed.destination
    requests = _grouped(channels()[destination.channel], destination, claimed.heads)
    return [Sent(request, claimed.lease, claimed.at) for request in requests]


def _grouped(channel: Channel, destination: Destination, heads: Sequence[Delivery]) -> list[Request]:
    """The channel's requests. Of heads that it cannot group, those at fault are found by halves and fail alone.

    Trouble of the database is no delivery's fault: all of them are tried again soon, and no attempt is counted.
    """
    try:
        return list(channel.group(destination, heads))
    except Exception as error:  # a fault of ours at one destination must not stop the others
        away, middle = isinstance(error, OperationalError | InterfaceError), len(heads) // 2
        if middle and not away:
            return _grouped(channel, destination, heads[:middle]) + _grouped(channel, destination, heads[middle:])
        log.error("preparing failed inside the hub", **destination_health.named(destination), exc_info=error)
        words = f"preparing failed inside the hub ({type(error).__name__}); see the log"
        again = Outcome(Verdict.HELD, words, retry_after=REST_SECONDS)
        return [Request(destination, heads, {FAULT: again if away else Outcome(Verdict.UNAVAILABLE, words)})]


def _send(request: Request) -> Sequence[Outcome]:
    """Send one request in a thread; returns one outcome per delivery and never raises."""
    try:
        if FAULT in request.context:
            return [request.context[FAULT]] * len(request.deliveries)
        close_old_connections()
        outcomes = channels()[request.destination.channel].send(request)
        if len(outcomes) != len(request.deliveries):
            raise ValueError(f"{len(outcomes)} outcomes of {len(request.deliveries)} deliveries")
        return outcomes
    except Exception as error:  # a fault of ours must not lose the delivery
        log.error("sending failed inside the hub", **destination_health.named(request.destination), exc_info=error)
        words = f"sending failed inside the hub ({type(error).__name__}); see the log"
        return [Outcome(Verdict.UNAVAILABLE, words)] * len(request.deliveries)
    finally:
        close_old_connections()


_dispatcher = Dispatcher()


def deliver() -> None:
    """Send everything that is due; returns when nothing is. Called by the ``deliver`` task."""
    _dispatcher.run()
