"""The list of faults. Each is one function of its own module that strikes, lasts and ends; its first line says what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import psycopg
import redis

from tests.benchmarks.stack import Stack
from tests.chaos.hub import Hub, Surroundings
from tests.chaos.kept import START_SECONDS
from tests.chaos.relay import Relay
from tests.chaos.senders import usual_body
from tests.processes import status_of, wait_until

RATE = 80
Strike = Callable[["Scene"], None]


class Skipped(Exception):
    """This machine does not allow it; the words say why."""


@dataclass(slots=True)
class Scene:
    """What a fault strikes, and for how many seconds."""

    stack: Stack
    hub: Hub
    seconds: float
    redis_relay: Relay
    """Between the hub and Redis, where the fault asked for it."""
    front: Relay
    """Before the web server: a balancer."""
    party: Party | None = None

    def every(self, seconds: float, do: Callable[[], object]) -> None:
        """Again and again while the fault lasts."""
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            do()
            time.sleep(seconds)

    def lasts(self) -> None:
        time.sleep(self.seconds)

    def sql(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.stack.servers.database_url, autocommit=True)

    def cut_connections(self) -> None:
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'orderhub'")

    def empty_redis(self) -> None:
        with redis.Redis(port=self.stack.servers.redis.port) as client:
            client.flushall()

    def until_all_ready(self) -> None:
        """Web server and workers."""
        self.until_served()
        wait_until(lambda: self.hub.all_ready, seconds=START_SECONDS, why=lambda: "the workers did not come back")

    def until_served(self) -> None:
        ready = f"http://127.0.0.1:{self.hub.port}/readyz"
        wait_until(
            lambda: status_of(ready) == 200, seconds=START_SECONDS, why=lambda: "the web server did not come back"
        )


class Party:
    """Who puts orders and who is notified of them: by default the stack's only client, and nobody."""

    token = ""
    told = ""
    """Said of them in the verdict, after what was done."""
    body = staticmethod(usual_body)

    def __enter__(self) -> Party:
        return self

    def __exit__(self, *raised: object) -> None:
        """Ends the processes it started."""

    def settled(self) -> list[str]:
        """Wait until nobody is owed anything; what is not as it must be then."""
        return []


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    told: str
    strike: Strike
    seconds: float
    redis_relayed: bool = False
    surroundings: Surroundings = field(default_factory=Surroundings)
    refuses: bool = True
    """False: no PUT may be refused, by clients that make a connection for each PUT and retry nothing."""
    party: Callable[[Scene], Party] = lambda scene: Party()
    rate: int = RATE
    """PUTs a second."""
    balanced: bool = False
    """PUTs come through the balancer."""

    @property
    def needs(self) -> tuple[bool, Surroundings]:
        """Faults that are alike in this share a running hub."""
        return self.redis_relayed, self.surroundings


FAULTS: dict[str, Fault] = {}


def fault(name: str, *, seconds: float = 8.0, **more: object) -> Callable[[Strike], Strike]:
    """Put the function into the list under ``name``."""

    def take(strike: Strike) -> Strike:
        told = " ".join((strike.__doc__ or "").split("\n\n")[0].split())
        FAULTS[name] = replace(Fault(name, told, strike, seconds), **more)
        return strike

    return take


@contextmanager
def meanwhile(do: Callable[[], object], *, every: float) -> Iterator[None]:
    """``do`` again and again in a thread, until the block ends."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every):
            do()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
