"""What requests leave behind to be written: held in memory, written once a second by a thread nobody waits for.

What a process had not yet written when it died is lost; use this only for what may be lost. A forked child
begins anew (config.processes).
"""

from __future__ import annotations

import threading
import time
from typing import ClassVar
from weakref import WeakSet

import structlog
from django.db import connections

log = structlog.get_logger("orderhub.collecting")
_made: WeakSet[Collector] = WeakSet()


class Collector:
    """``lock`` guards what is held, ``writing`` lets one thread write at a time; it lives while it is needed."""

    name: ClassVar[str]
    write_seconds: ClassVar[float] = 1.0
    """Soon enough for a person who looks, and one transaction for many reads."""

    def __init__(self) -> None:
        _made.add(self)
        self.forget()

    def forget(self) -> None:
        """Hold nothing, under locks of its own."""
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.has_writer = False

    @property
    def holds_any(self) -> bool:
        """Whether anything is still to be written."""
        raise NotImplementedError

    def write(self) -> None:
        """Write what is held. Called by one thread at a time."""
        raise NotImplementedError

    def start(self) -> None:
        """Have what is held written; asked after every addition."""
        with self.lock:
            first = self.holds_any and not self.has_writer
            self.has_writer = self.has_writer or first
        if first:
            threading.Thread(target=self.write_until_empty, name=self.name, daemon=True).start()

    def write_until_empty(self) -> None:
        """The next addition starts a new thread."""
        while self._goes_on():
            time.sleep(self.write_seconds)
            try:
                self.write()
            except Exception as error:  # logged; a fault of one turn must not end the writing of this process
                log.warning(
                    "not written, gone from what is shown later", what=self.name, error=str(error), exc_info=error
                )
            finally:
                connections.close_all()

    def _goes_on(self) -> bool:
        with self.lock:
            self.has_writer = self.holds_any
        return self.has_writer


def forget_all() -> None:
    """For a forked child: its parent's threads are gone, and its parent's locks may be held for ever."""
    for collector in list(_made):
        collector.forget()
