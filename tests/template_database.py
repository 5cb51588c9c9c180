"""pytest plugin: the first worker migrates a database, and every worker copies it, so that a pass migrates once.

`make test` names an empty folder of the pass in HUB_TEST_TEMPLATE; without it each worker migrates its own database.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAME = "hub_template"
FOLDER = os.environ.get("HUB_TEST_TEMPLATE", "")


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb):
    """Django finds the copy and only looks whether a migration is missing; it goes with the pass's server or folder."""
    return django_db_keepdb or bool(FOLDER)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """The copy, once the name of this worker's database is known."""
    if FOLDER:
        copy_template(Path(FOLDER))


def copy_template(folder: Path) -> None:
    from django.db import connection

    wanted = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        copy_file(folder, Path(wanted))
    else:
        copy_in_postgres(folder, wanted)


def copy_file(folder: Path, wanted: Path) -> None:
    template = folder / f"{NAME}.sqlite3"
    with first_worker(folder) as first:
        if first:
            migrate(f"sqlite:///{template}")
    shutil.copy(template, wanted)


def copy_in_postgres(folder: Path, wanted: str) -> None:
    import psycopg

    server = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as connection:
        with first_worker(folder) as first:
            if first:
                connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
                connection.execute(f"CREATE DATABASE {NAME}")
                migrate(server._replace(path=f"/{NAME}").geturl())
        connection.execute(f'CREATE DATABASE "{wanted}" TEMPLATE {NAME}')


@contextmanager
def first_worker(folder: Path) -> Iterator[bool]:
    """True in one worker only; the others wait until its block is left, and one of them tries again if it failed."""
    done = folder / "migrated"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = not done.exists()
        yield first
        done.touch()


def migrate(url: str) -> None:
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=dict(os.environ) | {"DATABASE_URL": url}, check=True)
