"""Processes of the hub that are started again whenever they end, as systemd or Docker would."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.processes import ROOT, HubProcess, wait_until

SETTLED_SECONDS = 4.0
"""Celery's pool gives up when a child dies younger than this."""
ORPHAN_SECONDS = 10.0
START_SECONDS = 240
"""Five processes that load Django at once on a machine that has other things to do."""


class Kept:
    """One ``manage.py`` command and its successors. ``folder`` is the version that the next one is started from."""

    def __init__(self, command: list[str], *, environ: Mapping[str, str], log: Path, folder: Path = ROOT) -> None:
        self.folder = folder
        self._command, self._environ, self._log = command, dict(environ), log
        self._lock = threading.Lock()
        self._family: list[psutil.Process] = []
        self._starts = 0
        self._stopped = False
        self.keep_alive()

    def keep_alive(self) -> None:
        with self._lock:
            if self._stopped or (self._starts and self.alive):
                return
            self._starts += 1
            log = self._log.with_name(f"{self._log.name}-{self._starts}.log")
            command = [sys.executable, "manage.py", *self._command]
            self._process = HubProcess(command, environ=self._environ, log=log, folder=self.folder)

    @property
    def alive(self) -> bool:
        return self._process.process.poll() is None

    @property
    def started(self) -> HubProcess:
        """The present one."""
        return self._process

    @property
    def settled(self) -> list[psutil.Process]:
        """Its children that have been at work for a while."""
        return [child for child in self.children if time.time() - child.create_time() > SETTLED_SECONDS]

    @property
    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._process.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def renew(self) -> None:
        """Asked to end; returns when its successor was started."""
        before = self._process
        self.signal(signal.SIGTERM)
        wait_until(lambda: self._process is not before, seconds=START_SECONDS)

    def signal(self, how: signal.Signals) -> None:
        self._process.process.send_signal(how)

    def signal_all(self, how: signal.Signals) -> None:
        for process in [psutil.Process(self._process.process.pid), *self.children]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(how)

    def kill_child(self) -> int:
        children = self.settled
        for child in children[:1]:
            child.kill()
        return len(children[:1])

    def kill_parent(self) -> int:
        """Its children are orphans then; they must end by themselves once they see it."""
        self._family += self.children
        self._process.process.kill()
        return 1

    def kill_both(self) -> int:
        children = self.children
        self._process.process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        return 1 + len(children)

    def end(self) -> list[psutil.Process]:
        """End for good, with whatever is left; returns orphans that were still there."""
        with self._lock:
            self._stopped = True
        self._process.__exit__(None, None, None)
        _, left = psutil.wait_procs(self._family, timeout=ORPHAN_SECONDS)
        for orphan in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
        return left


class Worker(Kept):
    """``manage.py worker --queues inbound``."""

    def __init__(self, environ: Mapping[str, str], log: Path, folder: Path = ROOT) -> None:
        super().__init__(["worker", "--queues", "inbound"], environ=environ, log=log, folder=folder)

    @property
    def ready(self) -> bool:
        return self.alive and len(self.settled) > 0
