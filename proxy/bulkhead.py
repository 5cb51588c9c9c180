"""The bulkhead: how many of a process's threads the calls of one tenant may use, so that others keep the rest.

    half hang, or half are in use and the last finished call had hung     further calls are refused
    all but an eighth are in use     a further call waits for one to end if calls are quick, else it is refused
    nearly all hang, of several tenants     tenants with hanging calls get no further thread

So a quick service is not refused when it is busy, because a waiting call soon gets a thread, and a slow one never has
the last threads. A refusal is 503 with ``Retry-After``.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.conf import settings

from proxy.breaker import busy

HANGS_SECONDS = 1.0
"""A call older than this hangs in the external service; the hub's own part is a few milliseconds."""

QUICK_SECONDS = 0.25
"""When calls take less, one of sixteen threads is free every 16 ms, so waiting for one is harmless."""

_changed = threading.Condition()


@dataclass(slots=True)
class _Calls:
    """One tenant's running calls (start by thread, oldest first) and the duration of the last finished one."""

    began: dict[int, float] = field(default_factory=dict)
    last_end: float = 0.0
    last_took: float = 0.0

    def hanging_calls(self, now: float) -> int:
        if not self.began or now - next(iter(self.began.values())) <= HANGS_SECONDS:
            return 0
        return sum(now - began > HANGS_SECONDS for began in self.began.values())

    def worth_waiting(self, now: float) -> float:
        """Seconds within which a call should end; 0 or less when that is unlikely."""
        if self.last_took > QUICK_SECONDS:
            return 0.0
        return max(self.last_end, next(iter(self.began.values()))) + HANGS_SECONDS - now


_tenants: dict[int, _Calls] = {}


def enter(tenant_id: int) -> None:
    """Begin a call on this thread, or raise ExternalBusy. Every call must end with ``leave``."""
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
    hanging = calls.hanging_calls(now)
    if hanging >= half or (hanging and sum(each.hanging_calls(now) for each in _tenants.values()) >= _most()):
        raise _busy()
    if calls.last_took > HANGS_SECONDS and len(calls.began) >= half:
        raise _busy()


def _busy() -> Exception:
    return busy("Too many calls are waiting for its answer.", seconds=1)


def _most() -> int:
    """Threads that one tenant may use: all but an eighth."""
    threads = int(settings.HUB_WEB_THREADS)
    return max(1, threads - max(1, threads // 8))


def forget() -> None:
    """Drop the data of finished calls."""
    _tenants.clear()
