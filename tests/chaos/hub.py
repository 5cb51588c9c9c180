"""The hub's processes in a drill: a web server, two inbound workers, two schedulers, started again when they end.

Outbound workers too, where partners take part (tests/chaos/partners.py).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.stack import Stack
from tests.chaos.kept import START_SECONDS, Kept, Worker
from tests.processes import free_port

LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Surroundings:
    """What the environment of each process has beside the stack's: as many processes as there are entries."""

    web: Mapping[str, str] = field(default_factory=dict)
    workers: Sequence[Mapping[str, str]] = ({}, {})
    schedulers: Sequence[Mapping[str, str]] = ({}, {})
    dispatchers: Sequence[Mapping[str, str]] = ()
    """Outbound workers."""


class Hub:
    """The processes, and a thread that starts dead ones again."""

    def __init__(self, web: Kept, port: int, workers: list[Worker], schedulers: list[Kept]) -> None:
        self.web, self.port, self.workers, self.schedulers = web, port, workers, schedulers
        self.dispatchers: list[Kept] = []
        self.beside: list[Kept] = []
        """Started later; looked after like the others."""
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

    @property
    def everybody(self) -> list[Kept]:
        return [self.web, *self.workers, *self.schedulers, *self.dispatchers, *self.beside]

    def _keep_alive(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            for kept in self.everybody:
                kept.keep_alive()


def web_server(stack: Stack, port: int, log: Path, *, more: Mapping[str, str], folder: Path) -> Kept:
    environ = stack.environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1"} | dict(more)
    return Kept(["serve"], environ=environ, log=log, folder=folder)


@contextmanager
def running_hub(stack: Stack, surroundings: Surroundings | None = None) -> Iterator[Hub]:
    """Started, the web server ready. Every process is ended when the block is left."""
    folder, port, beside = stack.folder, free_port(), surroundings or Surroundings()
    root = Path(__file__).resolve().parent.parent.parent
    with ExitStack() as processes:
        web = web_server(stack, port, folder / "web", more=beside.web, folder=root)
        processes.callback(web.end)
        workers = [Worker(stack.environ | dict(more), folder / f"worker-{n}") for n, more in enumerate(beside.workers)]
        schedulers = [
            Kept(["beat"], environ=stack.environ | dict(more), log=folder / f"beat-{n}")
            for n, more in enumerate(beside.schedulers)
        ]
        dispatchers = [
            Kept(["worker", "--queues", "outbound"], environ=stack.environ | dict(more), log=folder / f"courier-{n}")
            for n, more in enumerate(beside.dispatchers)
        ]
        for kept in [*workers, *schedulers, *dispatchers]:
            processes.callback(kept.end)
        web.started.wait_for_status(f"http://127.0.0.1:{port}/readyz", seconds=START_SECONDS)
        hub = Hub(web, port, workers, schedulers)
        hub.dispatchers = dispatchers
        yield processes.enter_context(hub)
