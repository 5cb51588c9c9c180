"""What processes, PostgreSQL and Redis used between two looks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import psycopg

from tests.servers import Servers

SIZES = """
    SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'
"""
COMMITS = """
    SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass
class Usage:
    """Seconds of processor by part, and what PostgreSQL wrote."""

    seconds: float = 0.0
    processor: dict[str, float] = field(default_factory=dict)
    wal_bytes: float = 0.0
    commits: float = 0.0


class Meter:
    """Knows the servers; told of the hub's processes for each measurement."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._database = psycopg.connect(servers.database_url, autocommit=True)

    @contextmanager
    def measured(self, families: Mapping[str, psutil.Process]) -> Iterator[Usage]:
        """Filled in when the block is left."""
        everybody = {**families, "PostgreSQL": psutil.Process(self._servers.postgres.pid),
                     "Redis": psutil.Process(self._servers.redis.pid)}  # fmt: skip
        before, wal, commits, began = _processor(everybody), self._wal(), self._commits(), time.perf_counter()
        usage = Usage()
        yield usage
        usage.seconds = time.perf_counter() - began
        usage.processor = {name: now - before[name] for name, now in _processor(everybody).items()}
        usage.wal_bytes, usage.commits = self._wal() - wal, self._commits() - commits

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Bytes of each table and of its indexes, after what is dead was cleared away."""
        self._database.execute("VACUUM ANALYZE")
        return {name: (table, indexes) for name, table, indexes in self._database.execute(SIZES).fetchall()}

    def one(self, sql: str) -> float:
        return float(self._database.execute(sql).fetchone()[0] or 0)

    def _wal(self) -> float:
        return self.one("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")

    def _commits(self) -> float:
        """Backends report theirs when idle for a second or when they end."""
        time.sleep(1.1)
        return self.one(COMMITS)


def _processor(families: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Of each family: its living members, and those whose end their parents have seen."""
    return {name: sum(_seconds(one) for one in _family(root)) for name, root in families.items()}


def _family(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0
