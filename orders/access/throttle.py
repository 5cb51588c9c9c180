"""Counting what one caller does in a while, over all processes where the shared cache answers, else per process.

Not DRF's throttles: they keep a list of times per caller in the cache, and fail while Redis is away.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field

from orders.cache import shared_cache
from orders.values.problems import Throttled

KEPT_MOST = 10_000
"""Callers counted by one process while the cache is away; beyond that it begins anew."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """``most`` in every ``seconds``. The windows are fixed, so a caller who is too fast waits for the next one."""

    name: str
    most: int
    seconds: int
    _own: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, caller: str) -> None:
        """Count one. Raises Throttled (429 with Retry-After) where that is more than ``most``."""
        if self.count(caller) > self.most:
            raise self.refusal()

    def check(self, caller: str) -> None:
        """Raises Throttled where ``most`` were counted already; counts nothing."""
        key = self._key(caller)
        if max(shared_cache.get_count(key), self._own.get(key, 0)) >= self.most:
            raise self.refusal()

    def count(self, caller: str) -> int:
        """Count one; returns how many the window has."""
        key = self._key(caller)
        shared = shared_cache.count(key, seconds=self.seconds)
        return shared if shared is not None else self._count_here(key)

    def forget(self, caller: str) -> None:
        """Begin this caller's window anew."""
        key = self._key(caller)
        shared_cache.drop(key)
        self._own.pop(key, None)

    def refusal(self) -> Throttled:
        wait = self.seconds - int(time.time()) % self.seconds
        said = f"At most {self.most} of these in {self.seconds} seconds; try again in {wait} seconds."
        return Throttled(said, headers={"Retry-After": str(wait)})

    def _count_here(self, key: str) -> int:
        with self._lock:
            if len(self._own) >= KEPT_MOST:
                self._own.clear()
            self._own[key] = self._own.get(key, 0) + 1
            return self._own[key]

    def _key(self, caller: str) -> str:
        """What a caller sends may be long or hold anything; a cache key may not."""
        digest = hashlib.sha256(caller.encode(errors="replace")).hexdigest()[:32]
        return f"throttle:{self.name}:{int(time.time()) // self.seconds}:{digest}"
