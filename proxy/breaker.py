"""One breaker per tenant: an external service that is down is not called, and its callers get an answer at once.

    closed --HUB_BREAKER_FAILURES consecutive failures--> open --time over--> half-open --success--> closed
                                                            ^---- probe failed, twice as long ----'

Failures are counted in the shared cache, so that all processes open together; each process reads it every half second
while there are no failures, and uses its own memory while the cache is away. What counts:
docs/reference/customer-order.md#external-errors.

Not the breaker of ``orders.outbox.destination_health``, which is columns of a row that a sender locks anyway: here a
reader waits, who would pay for a row's lock with every read.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from orders.cache import shared_cache
from orders.values.problems import ExternalBusy

LONGEST_OPEN_SECONDS = 300.0
"""docs/reference/environment.md#retries-and-breaker: doubling to 300."""

LOOK_SECONDS = 0.5
"""How long a process assumes that a breaker without failures is closed: one cache read for many calls."""

FORGOTTEN_SECONDS = 3_600
"""Counts and open breakers expire when nobody called for an hour."""

PROBE_SECONDS = 35.0
"""Longer than the longest proxied call (30 s), so that a probe whose process died blocks the next one only so long."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _View:
    """What this process knows of a tenant's breaker; ``open_seconds`` is 0 while it is closed."""

    failures: int = 0
    open_until: float = 0.0
    open_seconds: float = 0.0
    looked_at: float = -math.inf
    probing_until: float = 0.0

    @property
    def at_rest(self) -> bool:
        return not self.failures and not self.open_seconds


_views: dict[int, _View] = {}
_lock = threading.Lock()


def admit(tenant_id: int) -> None:
    """Admit a call, or raise ExternalBusy with ``Retry-After``. The result of an admitted call must be reported."""
    if not settings.HUB_BREAKER_FAILURES:
        return
    view = _view(tenant_id)
    if not view.open_seconds:
        return
    left = view.open_until - time.time()
    if left > 0:
        raise busy("It failed too often in a row and is left alone for a moment.", seconds=left)
    with _lock:
        first = view.probing_until < time.time()
        view.probing_until = time.time() + PROBE_SECONDS if first else view.probing_until
    if not first or not shared_cache.lock(_key(tenant_id, "probe"), seconds=PROBE_SECONDS):
        raise busy("It failed too often in a row and is just being tried again.", seconds=1)


def busy(why: str, *, seconds: float) -> ExternalBusy:
    return ExternalBusy(f"The external service is not asked. {why}", headers={"Retry-After": str(math.ceil(seconds))})


def succeeded(tenant_id: int) -> None:
    """The external service answered: close the breaker and reset the count."""
    view = _views.get(tenant_id)
    if view is None or view.at_rest:
        return
    if view.open_seconds:
        log.info("breaker closed: the order service answers again", tenant_id=tenant_id)
    shared_cache.drop(*(_key(tenant_id, part) for part in ("failures", "open", "probe")))
    _views[tenant_id] = _View(looked_at=time.monotonic())


def failed(tenant_id: int) -> None:
    """The external service was refused, unresolved, late, cut or answered 5xx."""
    if not settings.HUB_BREAKER_FAILURES:
        return
    view = _view(tenant_id)
    view.failures = shared_cache.count(_key(tenant_id, "failures"), seconds=FORGOTTEN_SECONDS) or view.failures + 1
    if view.open_seconds:
        if view.open_until <= time.time():
            _open(tenant_id, view, seconds=min(2 * view.open_seconds, LONGEST_OPEN_SECONDS))
    elif view.failures >= settings.HUB_BREAKER_FAILURES:
        _open(tenant_id, view, seconds=min(settings.HUB_BREAKER_OPEN_SECONDS, LONGEST_OPEN_SECONDS))


def undecided(tenant_id: int) -> None:
    """The call says nothing about the service's health; if it was a probe, the next call may probe."""
    view = _views.get(tenant_id)
    if view is not None and view.open_seconds:
        view.probing_until = 0.0
        shared_cache.drop(_key(tenant_id, "probe"))


def state(tenant_id: int) -> str:
    """``closed``, ``open`` or ``half-open``, for a person."""
    view = _view(tenant_id)
    if not view.open_seconds:
        return "closed"
    return "open" if view.open_until > time.time() else "half-open"


def _open(tenant_id: int, view: _View, *, seconds: float) -> None:
    view.open_seconds, view.open_until, view.probing_until = seconds, time.time() + seconds, 0.0
    shared_cache.put(_key(tenant_id, "open"), [view.open_until, float(seconds)], seconds=seconds + FORGOTTEN_SECONDS)
    shared_cache.drop(_key(tenant_id, "probe"))
    failures = view.failures
    log.warning("breaker open: the order service is not asked", tenant_id=tenant_id, failures=failures, seconds=seconds)


def _view(tenant_id: int) -> _View:
    """This process's view, read from the shared cache unless it was at rest less than LOOK_SECONDS ago."""
    view = _views.setdefault(tenant_id, _View())
    fresh = view.at_rest and time.monotonic() - view.looked_at < LOOK_SECONDS
    if not fresh and not shared_cache.is_away():
        failures, opened = (_key(tenant_id, part) for part in ("failures", "open"))
        shared = shared_cache.get_many((failures, opened))
        if not shared_cache.is_away():
            view.failures = shared_cache.as_count(shared.get(failures))
            view.open_until, view.open_seconds = _opening(shared.get(opened))
            view.looked_at = time.monotonic()
    return view


def _opening(shared: Any) -> tuple[float, float]:
    """(open until, seconds) from the cache; (0, 0) for any value that no process can have written, so that a wrong
    value cannot keep a breaker open longer than LONGEST_OPEN_SECONDS."""
    match shared:
        case [float(until), float(seconds)]:
            if (
                0 < seconds <= LONGEST_OPEN_SECONDS
                and until <= time.time() + LONGEST_OPEN_SECONDS + shared_cache.CLOCK_APART_SECONDS
            ):
                return until, seconds
    return 0.0, 0.0


def _key(tenant_id: int, part: str) -> str:
    return f"proxy-breaker:{tenant_id}:{part}"


def forget() -> None:
    """Drop this process's views."""
    _views.clear()
