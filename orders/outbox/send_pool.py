"""The send pool: the threads of a dispatcher, and one queue of requests per destination, served in turn.

A hanging destination keeps the threads it has, but SPARE_PART keeps it from having all of them. A request that was
claimed too long ago is not sent, because its lease might end before the partner answers: it is given back untried.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from orders.integrations.channels import Outcome, Request, Verdict

SPARE_PART = 4
"""One destination has at most three threads in four, whatever its concurrency."""
LONGEST_WAIT_SECONDS = 10.0
"""From the claim to the call. Of the 15 seconds by which a channel's whole lease is longer than its call
(docs/design/inbox.md#leases), and far less than a lane's lease: a dispatcher that stalled begins no call without it."""
NOT_TRIED = Outcome(Verdict.HELD, "no thread was free in time; it stays pending and no attempt was counted")


@dataclass(slots=True, eq=False)
class Sent:
    """A claimed request: waiting, being sent, or finished. Times are of the monotonic clock, in seconds."""

    request: Request
    lease: uuid.UUID
    claimed: float = field(default_factory=time.monotonic)
    """Before its lease began."""
    outcomes: Sequence[Outcome] = ()
    began: float = 0.0
    ended: float = 0.0


class SendPool:
    """The threads of one dispatcher and the requests that wait for them. Finished requests go to ``back``."""

    def __init__(self, threads: int, *, send: Callable[[Request], Sequence[Outcome]]) -> None:
        self.back: SimpleQueue[Sent] = SimpleQueue()
        self.waiting = 0
        self._send = send
        self._most = max(1, threads - threads // SPARE_PART)
        self._lines: OrderedDict[int, deque[Sent]] = OrderedDict()
        self._busy: Counter[int] = Counter()
        self._change = threading.Condition()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"send_{number}", daemon=True).start()

    def put(self, claimed: Sequence[Sent]) -> None:
        with self._change:
            for sent in claimed:
                self._lines.setdefault(sent.request.destination.pk, deque()).append(sent)
            self.waiting += len(claimed)
            self._change.notify(len(claimed))

    def _work(self) -> None:
        done: int | None = None
        while True:
            done = self._serve(self._take(done))

    def _serve(self, sent: Sent) -> int:
        """Send one request; returns its destination's id.

        A function of its own, so that an idle thread keeps no reference to a request, which may be a whole batch.
        """
        sent.began = time.monotonic()
        late = sent.began - sent.claimed > LONGEST_WAIT_SECONDS
        sent.outcomes = [NOT_TRIED] * len(sent.request.deliveries) if late else self._send(sent.request)
        sent.ended = time.monotonic()
        self.back.put(sent)
        return sent.request.destination.pk

    def _take(self, done: int | None) -> Sent:
        """Wait for the next request, of the destination whose turn it is; ``done`` is the one just served."""
        with self._change:
            if done is not None:
                self._busy[done] -= 1
            while (pk := self._turn()) is None:
                self._change.wait()
            line = self._lines[pk]
            sent = line.popleft()
            self._lines.move_to_end(pk)
            if not line:
                del self._lines[pk]
            self._busy[pk] += 1
            self.waiting -= 1
            return sent

    def _turn(self) -> int | None:
        return next((pk for pk in self._lines if self._busy[pk] < self._most), None)
