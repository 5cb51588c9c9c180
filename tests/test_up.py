"""`make up` in a copy of the tracked tree, as a new user has it: the scenario, a kill at any moment, a busy port."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.bodies import body
from tests.processes import HubProcess, free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
EMBEDDED = {"DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEY", "HUB_ENCRYPTION_KEYS", "HUB_TEST_REDIS_URL"}


@pytest.fixture
def tree(tmp_path):
    """The files git tracks, without anybody's var/."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def environ(port, **more):
    return {k: v for k, v in os.environ.items() if k not in EMBEDDED} | {"PORT": str(port)} | more


def check(tree, port):
    command = [sys.executable, "manage.py", "up"]
    return subprocess.run(
        command, cwd=tree, env=environ(port, CHECK="1"), capture_output=True, text=True, timeout=120, check=False
    )


def put_orders(url, secret, count):
    """The ids of events that the hub accepted."""
    with requests.Session() as http:
        http.trust_env = False
        form, auth = {"grant_type": "client_credentials"}, ("demo-shop-oms", secret)
        token = http.post(f"{url}/oauth2/token", data=form, auth=auth, timeout=10).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        accepted = []
        for number in range(count):
            order = f"kill-{number % 10}"
            address = f"{url}/api/v1/business-units/store-1/customer-orders/{order}"
            answer = http.put(address, data=body(order, price=f"{number}.50"), headers=headers, timeout=10)
            assert answer.status_code == 202
            accepted.append(answer.json()["eventId"])
        return accepted


def test_up_runs_its_scenario_and_goes_on_after_a_kill(tree):
    first = check(tree, free_port())
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.count("\n  ok ") == 6
    assert "FAILED" not in first.stdout
    assert "Password, shown this once" in first.stdout

    port = free_port()
    command = [sys.executable, "manage.py", "up"]
    with HubProcess(command, environ=environ(port), log=tree / "up.log", folder=tree) as hub:
        hub.wait_for_text("Serving")
        secret = json.loads((tree / "var/demo.json").read_text())["oms"]
        accepted = put_orders(f"http://127.0.0.1:{port}", secret, 60)
        os.killpg(hub.process.pid, signal.SIGKILL)

    with HubProcess(command, environ=environ(free_port()), log=tree / "again.log", folder=tree) as hub:
        hub.wait_for_text("Serving")
        files = [tree / f"var/hub.sqlite3{suffix}" for suffix in ("", "-wal", "-shm")]
        assert [stat.filemode(file.stat().st_mode) for file in files] == ["-rw-------"] * 3
        assert "FAILED" not in hub.text
        assert "Password, shown this once" not in hub.text
        wait_until(lambda: fates_of(tree, accepted) == {("applied", 1)}, seconds=10)


def fates_of(tree, accepted):
    with sqlite3.connect(tree / "var/hub.sqlite3") as database:
        rows = database.execute("SELECT id, status, attempts FROM orders_orderevent").fetchall()
    fates = {pk: (status, attempts) for pk, status, attempts in rows}
    return {fates[event.replace("-", "")] for event in accepted}


def test_a_busy_port_is_named_with_the_way_out(tree):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = check(tree, port)
    assert refused.returncode == 1
    assert f"Port {port} cannot be used" in refused.stderr
    assert "make up PORT=8010" in refused.stderr
    assert "Traceback" not in refused.stderr
