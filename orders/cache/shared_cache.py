"""The shared cache where it helps and is not needed: tokens, breakers, hints between processes.

A cache that does not answer must not slow every call down: asked with a time limit of its own, the first failure
makes this process leave it alone for a while, as if it were empty; then one thread tries it again while the others go
on without. So nothing may be kept here that cannot be made again.

What comes back is not trusted either (docs/design/threat-model.md): it is JSON (orders.cache.json_serializer), and each
reader takes a value of another type or shape for none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import redis.exceptions
import structlog
from django.conf import settings
from django.core.cache import BaseCache, CacheHandler

LIMIT_SECONDS = 0.04
"""For connecting and for an answer, each: together below the 100 ms that an absent cache may cost a call."""

LEFT_ALONE_SECONDS = 5.0
"""Time between two tries of a cache that is away: 0.1 s of waiting in 5 s costs one call in many, once."""

TRYING_SECONDS = 1.0
"""Longer than any try takes: how long the others go on without while one thread tries."""

CLOCK_APART_SECONDS = 60.0
"""How far we let the clocks of two hosts be apart; time synchronisation keeps them within a second."""

OTHER_TYPE = ("WRONGTYPE", "value is not an integer", "would overflow")
"""Redis's words for a key that holds a list or a hash, and for counting on a text or beyond 64 bits."""

log = structlog.get_logger(__name__)


@cache
def _caches() -> CacheHandler:
    """The settings' cache, asked with this module's limit."""
    default = dict(settings.CACHES["default"])
    if default.get("LOCATION", "").startswith("redis"):
        limits = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), LIMIT_SECONDS)
        default["OPTIONS"] = {**default.get("OPTIONS", {}), **limits}
    return CacheHandler({"default": default})


def _cache() -> BaseCache:
    """This thread's connection."""
    connection: BaseCache = _caches()["default"]
    return connection


class _Away:
    """Until when this process leaves the cache alone; 0 while it answers."""

    until = 0.0
    lock = threading.Lock()


def get(key: str) -> Any:
    """None for what is not there, also when the cache is away."""
    return _ask(lambda: _cache().get(key), instead=None)


def get_many(keys: Iterable[str]) -> dict[str, Any]:
    """Those that are there."""
    found = _ask(lambda: _cache().get_many(keys), instead={})
    return {key: value for key, value in found.items() if value is not None}


def get_count(key: str) -> int:
    """What ``count`` has counted; 0 for what is not there or no count."""
    return as_count(get(key))


def as_count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def put(key: str, value: Any, *, seconds: float) -> None:
    _ask(lambda: _cache().set(key, value, _whole(seconds)), instead=None)


def add(key: str, value: Any, *, seconds: float) -> bool:
    """True for the one caller who may go on; with the cache away every process lets its own caller go on."""
    return bool(_ask(lambda: _cache().add(key, value, _whole(seconds)), instead=True))


def lock(key: str, *, seconds: float) -> bool:
    """``add``, for a key that another may only hold for so long: it says until when, and where that is over, or no
    moment that ``lock`` could have written, it is taken over. One that was planted bars nobody for ever."""
    until = time.time() + seconds
    if add(key, until, seconds=seconds):
        return True
    held = get(key)
    if type(held) is float and time.time() < held <= until + CLOCK_APART_SECONDS:
        return False
    put(key, until, seconds=seconds)
    return True


def count(key: str, *, seconds: float) -> int | None:
    """Add one to a counter shared by all processes and return it; None when the cache is away."""

    def one_more() -> int:
        _cache().add(key, 0, _whole(seconds))
        try:
            counted = int(_cache().incr(key))
        except ValueError:  # it ran out between the two
            return 1
        except redis.exceptions.ResponseError as error:
            if not _is_of_another_type(error):
                raise
            counted = 0
        if counted < 1:
            _cache().set(key, 1, _whole(seconds))
        return max(counted, 1)

    counted: int | None = _ask(one_more, instead=None)
    return counted


def drop(*keys: str) -> None:
    _ask(lambda: _cache().delete_many(keys), instead=None)


def is_away() -> bool:
    return time.monotonic() < _Away.until


def _ask(question: Callable[[], Any], *, instead: Any) -> Any:
    if _Away.until and not _may_try():
        return instead
    try:
        answer = question()
    except (redis.exceptions.RedisError, OSError) as error:
        if _is_of_another_type(error):
            return instead
        _Away.until = time.monotonic() + LEFT_ALONE_SECONDS
        log.warning("cache away; nothing is lost", error=str(error), left_alone_seconds=LEFT_ALONE_SECONDS)
        return instead
    _Away.until = 0.0
    return answer


def _is_of_another_type(error: Exception) -> bool:
    """Redis answers, and what lies under the key is not what the hub puts there."""
    return isinstance(error, redis.exceptions.ResponseError) and any(words in str(error) for words in OTHER_TYPE)


def _may_try() -> bool:
    """True for one thread when the time is up."""
    with _Away.lock:
        if is_away():
            return False
        _Away.until = time.monotonic() + TRYING_SECONDS
        return True


def _whole(seconds: float) -> int:
    """The cache counts whole seconds; less than one would be none."""
    return max(1, round(seconds))
