"""Work in another thread with database connections of its own, closed at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connections

JOIN_SECONDS = 10
"""More than one short transaction takes; a thread that is longer waits for a lock."""


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """Started, not joined."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def elsewhere(work: Callable[[], object]) -> None:
    """To its end."""
    thread = in_thread(work)
    thread.join(JOIN_SECONDS)
    assert not thread.is_alive()
