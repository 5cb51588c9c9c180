"""PostgreSQL as a test server."""

from __future__ import annotations

import signal
from pathlib import Path

import psycopg

from tests.servers.account import Account
from tests.servers.process import Guard, ServerProcess
from tests.servers.programs import Program

NAME = "hub"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}
"""Commits stay synchronous: they are written, though not synced, so a killed server (not machine) loses none."""


class Postgres(ServerProcess):
    """A cluster with the empty database `hub`, owned by the superuser `hub`, open to loopback only."""

    stop_signal = signal.SIGINT  # "fast": clients are cut, what is committed is written
    end_signal = signal.SIGQUIT  # "immediate": children end at once too

    def __init__(
        self, program: Program, folder: Path, account: Account, guard: Guard, *, durable: bool = False
    ) -> None:
        super().__init__(program, folder, account, guard)
        self.settings = SETTINGS if durable else SETTINGS | FORGETFUL

    def url(self, name: str = NAME) -> str:
        return f"postgres://{NAME}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        super().start()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {NAME}")

    def prepare(self) -> None:
        super().prepare()
        initdb = [str(self.program.beside("initdb")), "--pgdata", str(self.folder), "--username", NAME]
        self.run([*initdb, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"])

    def command(self) -> list[str]:
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        return [str(self.program.path), "-D", str(self.folder), "-p", str(self.port), *options]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
