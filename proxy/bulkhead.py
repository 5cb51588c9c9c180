"""What one tenant's external service may hold of a process's threads, so that the others stay for the others.

    a quarter to a half of them hang      nothing happens yet
    half of them hang                     the tenant's further calls are refused
    all but two are the tenant's          a further call waits for one of them to end, but only while they still end
    nearly all hang, of several tenants   no tenant that has hanging calls gets another thread

A quick service is thus never refused for being busy, and a hanging one has the last threads for a moment only.
Refused is 503 with ``Retry-After``.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.conf import settings

from proxy.breaker import busy

HANGS_SECONDS = 0.5
"""A call this old waits for its external service; the hub's own part is a few milliseconds."""

STALLED_SECONDS = 0.1
"""When none of a tenant's many calls ended for so long, a further one is not worth a thread of the others."""

_changed = threading.Condition()


@dataclass(slots=True)
class _Calls:
    """One tenant's calls under way: thread and beginning, oldest first."""

    began: dict[int, float] = field(default_factory=dict)
    last_end: float = 0.0

    def hanging(self, now: float) -> int:
        if not self.began or now - next(iter(self.began.values())) <= HANGS_SECONDS:
            return 0
        return sum(now - began > HANGS_SECONDS for began in self.began.values())

    def stalls_at(self) -> float:
        """The moment from which nothing is expected to end, unless something does."""
        return max(self.last_end, next(iter(self.began.values()))) + STALLED_SECONDS


_under_way: dict[int, _Calls] = {}


def enter(tenant_id: int) -> None:
    """Begin a call on this thread, or raise ExternalBusy. Every entered call must ``leave``."""
    with _changed:
        calls = _under_way.setdefault(tenant_id, _Calls())
        _refuse_what_hangs(calls)
        while len(calls.began) >= _most():
            left = calls.stalls_at() - time.monotonic()
            if left <= 0:
                raise busy("Too many calls are waiting for its answer.", seconds=1)
            _changed.wait(left)
        calls.began[threading.get_ident()] = time.monotonic()
        _under_way[tenant_id] = calls  # the last call may have ended, and taken the entry away, while this one waited


def leave(tenant_id: int) -> None:
    with _changed:
        calls = _under_way[tenant_id]
        calls.began.pop(threading.get_ident(), None)
        calls.last_end = time.monotonic()
        if not calls.began:
            del _under_way[tenant_id]
        _changed.notify_all()


def _refuse_what_hangs(calls: _Calls) -> None:
    now = time.monotonic()
    hanging = calls.hanging(now)
    if not hanging:
        return
    if hanging >= max(1, settings.HUB_WEB_THREADS // 2) or _hanging_of_all(now) >= _most():
        raise busy("Too many calls are waiting for its answer.", seconds=1)


def _hanging_of_all(now: float) -> int:
    return sum(calls.hanging(now) for calls in _under_way.values())


def _most() -> int:
    """Threads that one tenant may hold: all but an eighth."""
    threads = int(settings.HUB_WEB_THREADS)
    return max(1, threads - max(1, threads // 8))
