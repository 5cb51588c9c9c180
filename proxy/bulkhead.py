"""What one tenant's external service may hold of a process's threads, so that the others stay for the others.

    half of them hang, or half are held and the last call that ended had hung      further calls are refused
    all but an eighth are held      a further call waits for one to end where they end quickly, else it is refused
    nearly all hang, of several tenants      no tenant that has hanging calls gets another thread

So a quick service is not refused for being busy (a waiting call has a thread soon), and a slow one never has the last
threads. Refused is 503 with ``Retry-After``.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.conf import settings

from proxy.breaker import busy

HANGS_SECONDS = 1.0
"""A call this old waits for its external service; the hub's own part is a few milliseconds."""

QUICK_SECONDS = 0.25
"""Where calls end in less, sixteen threads are free again every 16 ms: waiting for one harms nobody."""

_changed = threading.Condition()


@dataclass(slots=True)
class _Calls:
    """One tenant's calls under way (thread and beginning, oldest first) and how long the last one that ended took."""

    began: dict[int, float] = field(default_factory=dict)
    last_end: float = 0.0
    last_took: float = 0.0

    def hanging(self, now: float) -> int:
        if not self.began or now - next(iter(self.began.values())) <= HANGS_SECONDS:
            return 0
        return sum(now - began > HANGS_SECONDS for began in self.began.values())

    def worth_waiting(self, now: float) -> float:
        """Seconds in which a call may be expected to end; 0 or less where that is not to be hoped for."""
        if self.last_took > QUICK_SECONDS:
            return 0.0
        return max(self.last_end, next(iter(self.began.values()))) + HANGS_SECONDS - now


_tenants: dict[int, _Calls] = {}


def enter(tenant_id: int) -> None:
    """Begin a call on this thread, or raise ExternalBusy. Every entered call must ``leave``."""
    with _changed:
        calls = _tenants.setdefault(tenant_id, _Calls())
        _refuse_what_hangs(calls)
        while len(calls.began) >= _most():
            seconds = calls.worth_waiting(time.monotonic())
            if seconds <= 0:
                raise _busy()
            _changed.wait(seconds)
        calls.began[threading.get_ident()] = time.monotonic()


def leave(tenant_id: int) -> None:
    with _changed:
        calls = _tenants[tenant_id]
        began = calls.began.pop(threading.get_ident())
        calls.last_end = time.monotonic()
        calls.last_took = calls.last_end - began
        _changed.notify_all()


def _refuse_what_hangs(calls: _Calls) -> None:
    now = time.monotonic()
    half = max(1, int(settings.HUB_WEB_THREADS) // 2)
    hanging = calls.hanging(now)
    if hanging >= half or (hanging and sum(each.hanging(now) for each in _tenants.values()) >= _most()):
        raise _busy()
    if calls.last_took > HANGS_SECONDS and len(calls.began) >= half:
        raise _busy()


def _busy() -> Exception:
    return busy("Too many calls are waiting for its answer.", seconds=1)


def _most() -> int:
    """Threads that one tenant may hold: all but an eighth."""
    threads = int(settings.HUB_WEB_THREADS)
    return max(1, threads - max(1, threads // 8))


def forget() -> None:
    """Drop what is known of calls that ended."""
    _tenants.clear()
