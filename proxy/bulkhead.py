"""A tenant whose external service hangs may hold only half of a process's threads; the others stay for the others.

Only calls that already take long count, so that a tenant with a quick service is never turned away for being busy.
"""

from __future__ import annotations

import os
import threading
import time

from proxy.breaker import busy

SLOW_SECONDS = 0.5
"""A call this old waits for its external service; the hub's own part is a few milliseconds."""

DEFAULT_THREADS = 16
"""HUB_WEB_THREADS of contract.md section 2."""

_under_way: dict[int, dict[int, float]] = {}
_lock = threading.Lock()


def enter(tenant_id: int) -> None:
    """Begin a call on this thread, or raise ExternalBusy. Every entered call must ``leave``."""
    now = time.monotonic()
    with _lock:
        calls = _under_way.setdefault(tenant_id, {})
        most = _most()
        if len(calls) >= most and sum(now - began > SLOW_SECONDS for began in calls.values()) >= most:
            raise busy("Too many calls are waiting for its answer.", seconds=1)
        calls[threading.get_ident()] = now


def leave(tenant_id: int) -> None:
    with _lock:
        calls = _under_way[tenant_id]
        calls.pop(threading.get_ident(), None)
        if not calls:
            del _under_way[tenant_id]


def _most() -> int:
    return max(1, int(os.environ.get("HUB_WEB_THREADS") or DEFAULT_THREADS) // 2)
