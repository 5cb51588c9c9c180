"""Requests that are sent by halves, or answers that nobody fetches, hold up no other caller."""

from __future__ import annotations

import contextlib
import itertools
import socket
import statistics
import threading
import time

import pytest

from tests.contract.wire import put

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs_postgres,
    pytest.mark.needs_redis,
]

PROMPT_SECONDS = 1.0
"""What another caller waits at most; a server at rest answers in some 10 ms."""
WHOLE = put("half")
HEAD = WHOLE.partition(b"\r\n\r\n")[0]
CHUNKED = b"PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
SHAPES = {
    "nothing": b"",
    "half a request line": HEAD[:20],
    "half the headers": HEAD[:-10],
    "half the body": WHOLE[:-40],
    "half a chunk": CHUNKED + b"40\r\n{",
    "chunks without the last": CHUNKED + b"5\r\n0\r\n\r\n\r\n",
    "what is refused": b"GET /livez HTTP/1.0\r\n:\r\n\r\n",
    "a whole request of the last on its connection": b"GET /livez HTTP/1.0\r\n\r\n",
}
NUMBERS = itertools.count()


@contextlib.contextmanager
def connections(port, count, sent):
    with contextlib.ExitStack() as held:
        opened = [held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(count)]
        for connection in opened:
            connection.sendall(sent)
        yield opened


def seconds_of_others(wire):
    """How long a probe, and a PUT of another caller, takes; the middle of three, for the machine has other work."""
    probes, puts = [], []
    for _ in range(3):
        began = time.monotonic()
        assert wire.ask("GET", "/livez").status == 200
        probes.append(time.monotonic() - began)
        found = wire.send(put(f"other-{next(NUMBERS)}", "Connection: close"))
        assert found.outcome == [(202, "")]
        puts.append(found.seconds)
    return max(statistics.median(probes), statistics.median(puts))


@pytest.mark.parametrize("count", [40, 200])
@pytest.mark.parametrize("shape", SHAPES)
def test_others_are_answered_at_once_while_requests_of_one_address_are_half_sent(default_wire, shape, count):
    with connections(default_wire.port, count, SHAPES[shape]):
        assert seconds_of_others(default_wire) < PROMPT_SECONDS


@pytest.mark.parametrize("shape", ["half the headers", "half the body"])
def test_others_are_answered_at_once_while_requests_drip_in(default_wire, shape):
    with connections(default_wire.port, 200, SHAPES[shape]) as dripping:
        ended = threading.Event()
        drip = threading.Thread(target=drips, args=(dripping, ended))
        drip.start()
        try:
            assert seconds_of_others(default_wire) < PROMPT_SECONDS
            time.sleep(1.1)  # one more byte of each has come
            assert seconds_of_others(default_wire) < PROMPT_SECONDS
        finally:
            ended.set()
            drip.join()


def drips(dripping, ended):
    """One byte per second over each connection."""
    while not ended.wait(1):
        for connection in dripping:
            with contextlib.suppress(OSError):
                connection.send(b" ")


def test_a_hundred_callers_of_one_address_that_begin_at_once_are_all_answered(default_wire):
    """As behind a proxy: more than may be slow, but none of them is."""
    whole = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connections(default_wire.port, 100, whole[:30]) as opened:
        for connection in opened:
            connection.sendall(whole[30:])
        assert {connection.recv(15) for connection in opened} == {b"HTTP/1.1 200 OK"}


def test_a_caller_that_expects_100_continue_sends_its_body_after_one_100(default_wire):
    head, _, sent = put("told", "Expect: 100-continue").partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", default_wire.port), timeout=20) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(sent)
        assert connection.recv(1000).startswith(b"HTTP/1.1 202 ")


def test_a_caller_that_expects_100_continue_is_refused_at_once_when_its_body_is_too_long(default_wire):
    refused = put("long", "Expect: 100-continue", "Content-Length: 99999999", length=False, sent=b"")
    assert default_wire.send(refused).outcome == [(413, "too-large")]
