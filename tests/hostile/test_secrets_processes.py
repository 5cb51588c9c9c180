"""Real processes with a canary in every secret variable: none is an argument, and none is printed, whatever is away."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from tests.hostile.secret_scene import MARK, OWN_VARIABLES, spellings
from tests.processes import ROOT, HubProcess, free_port, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs_postgres, pytest.mark.needs_redis]

PASSWORD = "Kanari3-of-a-server"


@pytest.fixture
def redis_login():
    """A user of the tests' Redis that has a password."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as server:
        server.acl_setuser("kanari", enabled=True, passwords=[f"+{PASSWORD}"], categories=["+@all"], keys=["*"],
                           channels=["*"])  # fmt: skip
        yield f"kanari:{PASSWORD}"
        server.acl_deluser("kanari")


@pytest.fixture
def environ(hub_environ, redis_login):
    database, broker = urlsplit(hub_environ["DATABASE_URL"]), urlsplit(hub_environ["REDIS_URL"])
    own = {
        "DATABASE_URL": _with_login(database, f"{database.username}:{PASSWORD}"),
        "REDIS_URL": _with_login(broker, redis_login),
        "HUB_SECRET_KEY": "Kanari3" * 10,
        "HUB_ENCRYPTION_KEYS": "k1:" + base64.b64encode(b"Kanari3-seals-all-that-is-secret").decode(),
        "HUB_METRICS_TOKEN": "Kanari3-of-the-metrics",
        "HUB_EMAIL_URL": "submission://hub:Kanari3-of-the-mail@127.0.0.1:9",
        "HUB_STAFF_PASSWORD": "Kanari3-of-the-first-login",
    }
    assert set(own) == OWN_VARIABLES
    return hub_environ | own | {"HUB_WEB_PROCESSES": "1", "HUB_WORKER_PROCESSES": "1", "HUB_BIND": "127.0.0.1"}


def _with_login(url, login):
    return url._replace(netloc=f"{login}@{url.hostname}:{url.port}").geturl()


def leaks(told: str | bytes) -> list[bytes]:
    data = told.encode() if isinstance(told, str) else told
    return [data[max(0, data.index(one) - 80) : data.index(one) + 60] for one in spellings(MARK) if one in data]


def arguments_of_everybody():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            yield pid, Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue  # it has ended


def started(environ, folder):
    """The hub's processes, by what they are."""
    port = free_port()
    for name, arguments in (("serve", []), ("worker", ["--queues", "both"]), ("beat", [])):
        command = [sys.executable, "manage.py", name, *arguments]
        yield HubProcess(command, environ=environ | {"PORT": str(port)}, log=folder / f"{name}.log")


def run(environ, *arguments):
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environ, capture_output=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


def test_no_process_has_a_secret_among_its_arguments_or_prints_one(environ, tmp_path):
    with ExitStack() as running:
        hub = [running.enter_context(one) for one in started(environ, tmp_path)]
        port = int(psutil.Process(hub[0].process.pid).environ()["PORT"])
        hub[0].wait_for_status(f"http://127.0.0.1:{port}/readyz")
        wait_until(lambda: len(psutil.Process(hub[1].process.pid).children(recursive=True)) >= 3)
        said = run(environ, "staff", "ada", "--role", "superuser")
        assert b"ada made" in said
        everybody = dict(arguments_of_everybody())
        assert {str(one.process.pid) for one in hub} <= set(everybody)
        assert {pid: found for pid, line in everybody.items() if (found := leaks(line))} == {}
        assert any(MARK in Path(f"/proc/{one.process.pid}/environ").read_bytes() for one in hub)
    assert leaks(said) == []
    assert {one.log.name: found for one in hub if (found := leaks(one.text))} == {}


@pytest.mark.long
@pytest.mark.parametrize("away", ["DATABASE_URL", "REDIS_URL"])
def test_no_process_prints_one_when_its_servers_are_away_or_refuse_it(environ, tmp_path, away):
    url = urlsplit(environ[away])
    gone = environ | {away: _with_login(url._replace(netloc=f"h:{free_port()}"), url.netloc.rpartition("@")[0])}
    gone[away] = gone[away].replace("@h:", "@127.0.0.1:")
    refused = environ | {away: environ[away].replace("kanari:", "nobody:").replace("hub:", "nobody:")}
    for number, without in enumerate((gone, refused)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ExitStack() as running:
            hub = [running.enter_context(one) for one in started(without, folder)]
            said = run(without, "doctor")
            assert b"wrong" in said
            wait_until(lambda hub=hub: any(one.text for one in hub))
        assert leaks(said) == []
        assert {one.log.name: found for one in hub if (found := leaks(one.text))} == {}


def test_a_wrong_variable_is_named_without_what_it_holds(environ):
    for name in sorted(OWN_VARIABLES - {"HUB_METRICS_TOKEN", "HUB_STAFF_PASSWORD"}):
        said = run(environ | {name: "Kanari3"}, "doctor")
        assert name.encode() in said
        assert leaks(said) == []
