"""Requests that never come to their end keep no thread of the web server for longer than its bound."""

from __future__ import annotations

import socket
import time

import pytest

from tests.benchmarks.stack import BIN
from tests.contract.impatient_gunicorn import PatientWorker
from tests.processes import HubProcess, free_port, status_of

THREADS = 2
SHAPES = {
    "half a head": b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ",
    "no body": b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 40\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant",
}
pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_redis]


@pytest.fixture
def port(hub_environ, tmp_path):
    port = free_port()
    environ = hub_environ | {
        "PORT": str(port), "HUB_BIND": "127.0.0.1", "HUB_WEB_PROCESSES": "1", "HUB_WEB_THREADS": str(THREADS),
    }  # fmt: skip
    command = [str(BIN / "gunicorn"), "-c", "python:tests.contract.impatient_gunicorn", "config.wsgi:application"]
    with HubProcess(command, environ=environ, log=tmp_path / "web.log") as web:
        web.wait_for_status(f"http://127.0.0.1:{port}/livez")
        yield port


@pytest.mark.parametrize("shape", SHAPES)
def test_callers_that_fall_silent_are_let_go_and_others_answered(port, shape):
    silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(THREADS)]
    for connection in silent:
        connection.sendall(SHAPES[shape])
    began = time.monotonic()
    assert status_of(f"http://127.0.0.1:{port}/livez") == 200
    assert time.monotonic() - began < 4 * PatientWorker.slowest_request
    for connection in silent:
        with connection:
            assert connection.recv(200)[:12] in (b"", b"HTTP/1.1 400")


def test_a_caller_that_drips_is_let_go_too(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as dripping:
        began = time.monotonic()
        dripping.sendall(SHAPES["half a head"])
        while drips(dripping) and time.monotonic() - began < 10 * PatientWorker.slowest_request:
            time.sleep(0.1)
        assert time.monotonic() - began < 5 * PatientWorker.slowest_request


def drips(connection):
    """Whether one more byte can be sent."""
    try:
        connection.sendall(b"a")
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True
