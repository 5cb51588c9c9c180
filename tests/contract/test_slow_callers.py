"""How long a caller may take over a request and its answer, and how many of one address may be slow at once."""

from __future__ import annotations

import select
import socket
import time

import pytest

from tests.benchmarks.stack import BIN
from tests.processes import HubProcess, free_port, status_of

HEAD = b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
HALF = {"half a head": HEAD[:-20], "half a body": HEAD + b"Content-Length: 40\r\n\r\ngrant"}
BOUND, PER_ADDRESS = 2.0, 8
"""As impatient_gunicorn has them."""
BODY = b"a" * 6 * 1024
ANSWER = b"GET /schemas/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_redis]


@pytest.fixture
def port(hub_environ, tmp_path):
    port = free_port()
    environ = hub_environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1", "HUB_WEB_PROCESSES": "1"}
    command = [str(BIN / "gunicorn"), "-c", "python:tests.contract.impatient_gunicorn", "config.wsgi:application"]
    with HubProcess(command, environ=environ, log=tmp_path / "web.log") as web:
        web.wait_for_status(f"http://127.0.0.1:{port}/livez")
        yield port
        assert status_of(f"http://127.0.0.1:{port}/livez") == 200
        assert "Traceback" not in web.text


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def status_and_seconds(connection):
    """The status of the answer, and the seconds until it came."""
    began = time.monotonic()
    answer = connection.recv(200)
    return int(answer[9:12]), time.monotonic() - began


@pytest.mark.parametrize("shape", HALF)
def test_half_a_request_is_timed_out(port, shape):
    with connected(port) as silent:
        silent.sendall(HALF[shape])
        status, seconds = status_and_seconds(silent)
    assert status == 408
    assert seconds >= BOUND


@pytest.mark.parametrize("shape", HALF)
def test_a_request_that_drips_in_is_timed_out_too(port, shape):
    with connected(port) as dripping:
        began = time.monotonic()
        dripping.sendall(HALF[shape])
        while not readable(dripping, seconds=0.2):
            dripping.send(b"a")
            assert time.monotonic() - began < 10 * BOUND
        assert status_and_seconds(dripping)[0] == 408


def readable(connection, *, seconds):
    return bool(select.select([connection], [], [], seconds)[0])


def test_a_body_that_keeps_its_pace_may_take_longer_than_a_silent_one(port):
    with connected(port) as slow:
        began = time.monotonic()
        slow.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY))
        for at in range(0, len(BODY), 512):
            slow.sendall(BODY[at : at + 512])
            time.sleep(0.3)
        assert time.monotonic() - began > 1.5 * BOUND
        assert status_and_seconds(slow)[0] == 400  # of the token endpoint, which read it


def test_the_oldest_slow_requests_of_one_address_are_closed_when_they_are_too_many(port):
    opened = [connected(port) for _ in range(PER_ADDRESS + 4)]
    for connection in opened:
        connection.sendall(HALF["half a body"])
    assert [status_and_seconds(connection)[0] for connection in opened[:4]] == [408] * 4
    assert select.select(opened[4:], [], [], 0.1)[0] == []
    for connection in opened:
        connection.close()


def test_bodies_that_are_too_much_for_the_memory_are_refused_and_small_ones_are_not(port):
    with connected(port) as small, connected(port) as large:
        small.sendall(HALF["half a body"])
        large.sendall(HEAD + b"Content-Length: 9999999\r\n\r\n" + b"a" * (2 * 1024 * 1024 + 1))
        assert status_and_seconds(large)[0] == 503
        assert not readable(small, seconds=0)


def test_a_caller_that_is_refused_while_it_sends_can_read_why(port):
    """Closed under its hands, it would see a broken pipe and no answer: most programs send all before they read."""
    for head in (b"Content-Length: 99999999\r\n\r\n", b"Content-Length: 3000000\r\n\r\n" + b"a" * 2_200_000):
        with connected(port) as sending:
            sending.sendall(HEAD + head)
            for _ in range(12):
                sending.sendall(b"a" * 65_536)
                time.sleep(0.1)
            assert status_and_seconds(sending)[0] == (413 if head.endswith(b"\r\n") else 503)


def test_answers_that_nobody_fetches_hold_no_thread_and_are_given_up(port):
    """More callers than threads, each with so many requests that the answers fill what the kernel keeps of them."""
    greedy = [connected(port) for _ in range(17)]
    for connection in greedy:
        connection.sendall(ANSWER * 400)
    began = time.monotonic()
    assert status_of(f"http://127.0.0.1:{port}/livez") == 200
    assert time.monotonic() - began < BOUND
    for connection in greedy:
        with connection:
            while not gone(connection):
                time.sleep(0.1)
                assert time.monotonic() - began < 60


def gone(connection):
    """Whether the server closed the connection, of which nothing was read."""
    try:
        connection.send(b"\r\n")
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False
