"""The hub's processes in a drill: a web server, two inbound workers, two schedulers; dead workers are started again."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.benchmarks.stack import Stack
from tests.processes import HubProcess, free_port

LOOK_SECONDS = 0.2
SETTLED_SECONDS = 4.0
"""Celery's pool gives up when a child dies younger than this."""


class Worker:
    """One ``manage.py worker --queues inbound`` and its successors."""

    def __init__(self, stack: Stack, log: Path) -> None:
        self._stack, self._log = stack, log
        self._lock = threading.Lock()
        self._family: list[psutil.Process] = []
        self._starts = 0
        self._stopped = False
        self.keep_alive()

    def keep_alive(self) -> None:
        with self._lock:
            if self._stopped or (self._starts and self._process.process.poll() is None):
                return
            self._starts += 1
            command = [sys.executable, "manage.py", "worker", "--queues", "inbound"]
            log = self._log.with_name(f"{self._log.name}-{self._starts}.log")
            self._process = HubProcess(command, environ=self._stack.environ, log=log)

    @property
    def ready(self) -> bool:
        """Its children have been at work for a while."""
        return self._process.process.poll() is None and len(self._settled()) > 0

    def kill_child(self) -> int:
        children = self._settled()
        for child in children[:1]:
            child.kill()
        return len(children[:1])

    def kill_parent(self) -> int:
        """Its children are orphans then; they must end by themselves once they see it."""
        self._family += self._children()
        self._process.process.kill()
        return 1

    def kill_both(self) -> int:
        children = self._children()
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
        _, left = psutil.wait_procs(self._family, timeout=10)
        for orphan in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
        return left

    @property
    def logs(self) -> list[Path]:
        return sorted(self._log.parent.glob(f"{self._log.name}-*.log"))

    def _settled(self) -> list[psutil.Process]:
        return [child for child in self._children() if time.time() - child.create_time() > SETTLED_SECONDS]

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._process.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


class Hub:
    """The processes, and a thread that starts dead workers again, as systemd or Docker would."""

    def __init__(self, web: HubProcess, port: int, workers: list[Worker]) -> None:
        self.web, self.port, self.workers = web, port, workers
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive)

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def all_ready(self) -> bool:
        return all(worker.ready for worker in self.workers)

    def _keep_alive(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            for worker in self.workers:
                worker.keep_alive()


@contextmanager
def running_hub(stack: Stack, *, workers: int = 2, schedulers: int = 2) -> Iterator[Hub]:
    """Started, the web server ready. Every process is ended when the block is left."""
    folder, port = stack.folder, free_port()
    web_environ = stack.environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1"}
    with ExitStack() as processes:
        serve = [sys.executable, "manage.py", "serve"]
        web = processes.enter_context(HubProcess(serve, environ=web_environ, log=folder / "web.log"))
        started = [Worker(stack, folder / f"worker-{number}") for number in range(workers)]
        for worker in started:
            processes.callback(worker.end)
        for number in range(schedulers):
            beat = [sys.executable, "manage.py", "beat"]
            log = folder / f"beat-{number}.log"
            processes.enter_context(HubProcess(beat, environ=stack.environ, log=log))
        web.wait_for_status(f"http://127.0.0.1:{port}/readyz")
        yield processes.enter_context(Hub(web, port, started))
