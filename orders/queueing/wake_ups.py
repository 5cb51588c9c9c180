"""Wake workers. A wake-up is a hint: losing one delays the work until the next sweep and nothing else.

A request only sets a flag; one thread per process publishes, at most once per window and queue, so neither many PUTs
nor an unreachable broker makes a request wait. A wake-up during the window keeps the flag set, so the last one is
never lost.
"""

from __future__ import annotations

import os
import threading
import time

import structlog
from celery import current_app

WINDOW_SECONDS = 0.02
"""At most one message per window: fewer messages, and 20 ms are not noticed."""
TASKS = {"inbound": "orders.tasks.drain", "outbound": "orders.tasks.deliver"}

log = structlog.get_logger("orderhub.wakes")


class _Waker:
    """The publishing thread of one process, for one Celery queue."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._flag = threading.Event()
        self._pid = 0
        self._lock = threading.Lock()
        self.failures = 0

    def wake(self) -> None:
        self._flag.set()
        if self._pid != os.getpid():
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            threading.Thread(target=self._run, name=f"wake-{self._queue}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._flag.wait()
            self._flag.clear()
            publish(self._queue)
            time.sleep(WINDOW_SECONDS)


_wakers = {queue: _Waker(queue) for queue in TASKS}


def wake_inbound() -> None:
    """There are due order queues."""
    _wakers["inbound"].wake()


def wake_outbound() -> None:
    """There are due lanes."""
    _wakers["outbound"].wake()


def publish(queue: str, *, task: str = "") -> bool:
    """Publish one wake-up now, of the queue's own task or of ``task``.

    Returns False when the broker is unreachable; that is counted and logged, never raised.
    """
    try:
        current_app.send_task(task or TASKS[queue], queue=queue, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001  # a full or read-only broker too must not end the publishing thread
        waker = _wakers[queue]
        waker.failures += 1
        if waker.failures & (waker.failures - 1) == 0:
            log.warning(
                "broker away; the sweep will find the work", queue=queue, failures=waker.failures, error=str(error)
            )
        return False
    return True
