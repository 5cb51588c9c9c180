"""Two worker hosts that share nothing but PostgreSQL and Redis: no file, no folder, no environment."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.benchmarks.stack import ROOT
from tests.chaos.checker import violations
from tests.chaos.kept import START_SECONDS, Kept, Worker
from tests.chaos.ledger import drain
from tests.chaos.senders import Senders
from tests.processes import wait_until

pytestmark = [pytest.mark.needs_postgres]

HOSTS = ("host_a", "host_b")
PRODUCTION = ("HUB_SECRET_KEY", "HUB_ENCRYPTION_KEYS", "REDIS_URL")
"""What hosts are given alike, beside the address of the database."""
LEFT_OUT = shutil.ignore_patterns(".*", "var", "docs", "tests", "__pycache__")
SHARE = 20
"""Events that each host applies before the PUTs end."""


def host(stacked, folder, name):
    """A host's own program, home, temporary folder and login at the database; nothing of this process's environment."""
    program = folder / name / "program"
    shutil.copytree(ROOT, program, ignore=LEFT_OUT)
    for own in ("home", "tmp"):
        (folder / name / own).mkdir()
    url = urlsplit(stacked.servers.database_url)
    login = f"{name}@{url.hostname}:{url.port}"
    environ = {variable: stacked.environ[variable] for variable in PRODUCTION} | {
        "DATABASE_URL": url._replace(netloc=login).geturl(),
        "HOME": str(folder / name / "home"),
        "TMPDIR": str(folder / name / "tmp"),
        "PATH": os.environ["PATH"],
        "HUB_WORKER_PROCESSES": "1",
    }
    return program, environ


@pytest.fixture
def logins(stage_servers):
    """Each host has its own, so that the ledger's triggers note who applied."""
    with psycopg.connect(stage_servers[0].servers.database_url, autocommit=True) as connection:
        for name in HOSTS:
            connection.execute(f"CREATE ROLE {name} SUPERUSER LOGIN")


def test_worker_hosts_share_the_work_and_nothing_but_postgresql_and_redis(stage_servers, logins, tmp_path):
    stacked, ledger = stage_servers
    ledger.empty()
    workers = []
    with ExitStack() as running:
        for name in HOSTS:
            program, environ = host(stacked, tmp_path, name)
            workers.append(Worker(environ, tmp_path / f"{name}-worker", program))
            running.callback(workers[-1].end)
            beat = Kept(["beat"], environ=environ, log=tmp_path / f"{name}-beat", folder=program)
            running.callback(beat.end)
        port = running.enter_context(stacked.web())
        wait_until(lambda: all(worker.ready for worker in workers), seconds=START_SECONDS)
        with Senders(port, stacked.token(port), orders=60, rate=150) as senders:
            wait_until(lambda: len(_done(ledger)) == len(HOSTS), seconds=START_SECONDS, why=lambda: str(_done(ledger)))
        drain(ledger)
    assert violations(ledger.history(senders.notes.accepted)) == []
    assert senders.notes.trouble == {}
    assert set(ledger.applied_by()) == set(HOSTS)


def _done(ledger):
    """The hosts that did their share."""
    return [name for name, count in ledger.applied_by().items() if count >= SHARE]
