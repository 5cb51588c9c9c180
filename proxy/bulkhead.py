"""The bulkhead: how many of a process's threads the calls of one tenant may use, so that others keep the rest.

    three quarters run             a further call waits for one of them to end, within its own deadline
    seven eighths run or wait      calls of any tenant: a further one is refused
    its service hangs              a further call is refused where a quarter run

A service hangs when no call ended for ``HANGS_SECONDS`` while one is older than that: one that takes two seconds for
each answer is slow, and is waited for. A refusal is 503 with ``Retry-After``.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.conf import settings

from orders.outgoing import Deadline
from proxy.breaker import busy

HANGS_SECONDS = 5.0
"""The default limit of a call (HUB_PROXY_TIMEOUT_SECONDS)."""

_changed = threading.Condition()


@dataclass(slots=True)
class _Calls:
    """One tenant's running calls (start by thread, oldest first), its waiting ones, and when the last one ended."""

    began: dict[int, float] = field(default_factory=dict)
    waiting: int = 0
    last_end: float = 0.0

    @property
    def threads(self) -> int:
        return len(self.began) + self.waiting

    def hangs(self, now: float) -> bool:
        return bool(self.began) and now - max(self.last_end, next(iter(self.began.values()))) > HANGS_SECONDS


_tenants: dict[int, _Calls] = {}


def enter(tenant_id: int, deadline: Deadline) -> None:
    """Begin a call on this thread, or raise ExternalBusy. Every call must end with ``leave``."""
    with _changed:
        calls = _tenants.setdefault(tenant_id, _Calls())
        _refuse_beyond_bounds(calls)
        if len(calls.began) >= _share(3, 4):
            _wait_for_place(calls, deadline)
        calls.began[threading.get_ident()] = time.monotonic()


def leave(tenant_id: int) -> None:
    with _changed:
        calls = _tenants[tenant_id]
        del calls.began[threading.get_ident()]
        calls.last_end = time.monotonic()
        if calls.waiting:
            _changed.notify_all()


def _refuse_beyond_bounds(calls: _Calls) -> None:
    if sum(each.threads for each in _tenants.values()) >= _share(7, 8):
        raise busy("Too many calls are waiting for external services.", seconds=1)
    if len(calls.began) >= _share(1, 4) and calls.hangs(time.monotonic()):
        raise busy(f"It has answered nothing for {HANGS_SECONDS:g} s.", seconds=1)


def _wait_for_place(calls: _Calls, deadline: Deadline) -> None:
    calls.waiting += 1
    try:
        while len(calls.began) >= _share(3, 4):
            if deadline.is_over or calls.hangs(time.monotonic()):
                raise busy("Too many calls are waiting for its answer.", seconds=1)
            _changed.wait(deadline.remaining())
    finally:
        calls.waiting -= 1


def _share(part: int, of: int) -> int:
    return max(1, int(settings.HUB_WEB_THREADS) * part // of)


def forget() -> None:
    """Drop the data of finished calls."""
    _tenants.clear()
