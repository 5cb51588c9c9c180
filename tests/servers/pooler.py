"""pgbouncer in transaction mode, in front of the test PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.servers.account import Account, unprivileged_account
from tests.servers.process import Guard, ServerProcess, temporary_folder
from tests.servers.programs import Program, inspected

USER = "hub"
MISSING = "no pgbouncer on this machine: install Debian's package pgbouncer"
SERVERS = 3
"""Server connections of each database: with two a statement could meet by chance the one that knows it."""
SETTINGS = {
    "pool_mode": "transaction",
    "listen_addr": "127.0.0.1",
    "unix_socket_dir": "",
    "auth_type": "trust",
    "admin_users": USER,
    "max_client_conn": "500",
    "default_pool_size": str(SERVERS),
    "min_pool_size": str(SERVERS),
    "server_round_robin": "1",
    "ignore_startup_parameters": "options",
}
"""Each transaction goes to another server connection than the last one: what a session keeps is never met again."""


class PgBouncer(ServerProcess):
    """A pooler of every database of the PostgreSQL behind it; its console is the database `pgbouncer`."""

    def __init__(
        self, program: Program, folder: Path, account: Account, guard: Guard, *, behind: int, **settings: str
    ) -> None:
        super().__init__(program, folder, account, guard)
        self.behind, self.settings = behind, SETTINGS | settings

    def in_front_of(self, database_url: str) -> str:
        """The same database by way of the pooler."""
        url = urlsplit(database_url)
        return url._replace(netloc=f"{USER}@127.0.0.1:{self.port}").geturl()

    def console(self, command: str) -> list[tuple[object, ...]]:
        url = f"postgres://{USER}@127.0.0.1:{self.port}/pgbouncer"
        with psycopg.connect(url, autocommit=True, connect_timeout=5, cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute(command)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """At once: which signal means that depends on its version, and it keeps nothing."""
        self.kill()

    def prepare(self) -> None:
        super().prepare()
        self._write("users", f'"{USER}" ""\n')

    def command(self) -> list[str]:
        settings = self.settings | {"listen_port": str(self.port), "auth_file": str(self.folder / "users")}
        lines = ["[databases]", f"* = host=127.0.0.1 port={self.behind}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        return [str(self.program.path), str(self._write("pgbouncer.ini", "\n".join(lines) + "\n"))]

    def answers(self) -> bool:
        try:
            self.console("SHOW VERSION")
        except psycopg.OperationalError:
            return False
        return True

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        if self.account.switch:
            os.chown(path, self.account.uid, self.account.gid)
        return path


def find_pgbouncer() -> Program | None:
    """On PATH, or where Debian puts it; None where there is none that this machine can run."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    return inspected(Path(found), unprivileged_account(), origin=found) if found else None


def describe_pgbouncer() -> str:
    program = find_pgbouncer()
    return program.described() if program else "pgbouncer not found: the tests behind a pooler are left out"


@contextmanager
def pgbouncer(program: Program, *, behind: int, **settings: str) -> Iterator[PgBouncer]:
    """Started on a free port in front of the PostgreSQL at the port `behind`, ended with the block."""
    account = unprivileged_account()
    folder = temporary_folder(account)
    with Guard(folder) as guard:
        pooler = PgBouncer(program, folder / "pgbouncer", account, guard, behind=behind, **settings)
        try:
            pooler.start()
            yield pooler
        finally:
            pooler.stop()
