"""What goes wrong: workers killed all the time, and, spread over the run, everything they depend on."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import psycopg
import redis

from tests.chaos.hub import Hub
from tests.servers import Servers

KILL_EVERY_SECONDS = 1.0
WEIGHTS = (8, 1, 1)
"""A parent takes seconds to start again on loaded cores: killed more often, or two at once, nobody would work."""
ALL_BLOWS = (
    "cut_connections", "restart_postgres", "empty_redis", "restart_redis", "take_redis_away",
    "cut_connections", "kill_a_web_process", "kill_postgres", "empty_redis",
)  # fmt: skip
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'orderhub'"


@dataclass(frozen=True, slots=True)
class Blow:
    """Something that went wrong; times are time.time()."""

    what: str
    began_at: float
    ended_at: float


class Havoc:
    """``with Havoc(…) as havoc:`` lasts ``seconds``; ``blows`` says what was done."""

    def __init__(
        self, hub: Hub, servers: Servers, *, names: Sequence[str], seconds: float, away_seconds: float, seed: int
    ) -> None:
        self._hub, self._servers = hub, servers
        self._names, self._seconds, self._away = names, seconds, away_seconds
        self._chance = random.Random(seed)
        self.blows: list[Blow] = []
        self.kills = 0
        self.error: BaseException | None = None
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in (self._kill, self._break)]

    def __enter__(self) -> Havoc:
        self._started_at = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def over(self) -> bool:
        return self.error is not None or not any(thread.is_alive() for thread in self._threads)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.error = error
            raise

    def _kill(self) -> None:
        """Every second: a process that computes, the one that hands out work to it, or both."""
        while time.monotonic() - self._started_at < self._seconds and not self._ended.wait(KILL_EVERY_SECONDS):
            worker = self._chance.choice(self._hub.workers)
            ways = (worker.kill_child, worker.kill_parent, worker.kill_both)
            (how,) = self._chance.choices(ways, WEIGHTS) if self._hub.all_ready else ways[:1]
            with contextlib.suppress(psutil.NoSuchProcess):
                self.kills += how()

    def _break(self) -> None:
        """Blow after blow, evenly over the time; one that lasts pushes the next on."""
        for number, name in enumerate(self._names):
            begins = (number + 0.5) / len(self._names) * self._seconds
            breath = self._seconds / (3 * len(self._names))
            if self._ended.wait(max(breath, begins - (time.monotonic() - self._started_at))):
                return
            began_at = time.time()
            getattr(self, name)()
            self.blows.append(Blow(name.replace("_", " "), began_at, time.time()))

    def cut_connections(self) -> None:
        with psycopg.connect(self._servers.database_url, autocommit=True) as connection:
            connection.execute(CUT)

    def restart_postgres(self) -> None:
        self._servers.postgres.restart()

    def kill_postgres(self) -> None:
        self._servers.postgres.kill()
        self._servers.postgres.start()

    def empty_redis(self) -> None:
        with redis.Redis(port=self._servers.redis.port) as client:
            client.flushall()

    def restart_redis(self) -> None:
        self._servers.redis.restart()

    def take_redis_away(self) -> None:
        self._servers.redis.kill()
        self._ended.wait(self._away)
        self._servers.redis.start()

    def kill_a_web_process(self) -> None:
        self._chance.choice(self._hub.web.children).kill()
