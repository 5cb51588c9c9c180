"""A HUP of the web server is noticed by nobody, however long the new processes take to load."""

from __future__ import annotations

import signal
import time

import psutil
import pytest

from tests.benchmarks.stack import BIN
from tests.processes import HubProcess, free_port, status_of, wait_until

LOAD_SECONDS = 3.0
pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_redis]


@pytest.fixture
def server(hub_environ, tmp_path):
    port = free_port()
    environ = hub_environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1", "HUB_WEB_PROCESSES": "1"}
    environ["CHAOS_LOAD_SECONDS"] = str(LOAD_SECONDS)
    command = [str(BIN / "gunicorn"), "-c", "config/gunicorn.py", "tests.chaos.slow_to_load:application"]
    with HubProcess(command, environ=environ, log=tmp_path / "web.log") as web:
        web.url = f"http://127.0.0.1:{port}/livez"
        web.wait_for_status(web.url)
        yield web


def children(server):
    return {child.pid for child in psutil.Process(server.process.pid).children()}


def test_requests_are_answered_by_the_old_processes_until_the_new_ones_have_loaded(server):
    old, asked, longest = children(server), 0, 0.0
    server.process.send_signal(signal.SIGHUP)
    while old & children(server):
        began = time.monotonic()
        assert status_of(server.url) == 200
        asked, longest = asked + 1, max(longest, time.monotonic() - began)
    assert asked > 10
    assert longest < LOAD_SECONDS


def test_a_server_that_is_stopped_in_the_middle_of_a_reload_ends(server):
    old = children(server)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: children(server) - old)
    assert server.stop(seconds=60) == 0
