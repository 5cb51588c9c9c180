"""A stranger who sends what is no request, or only refused ones, does not fill the log or write lines of its own."""

from __future__ import annotations

import json

import pytest

from config.logs import LONGEST, MOST_LINES

pytestmark = [pytest.mark.django_db, pytest.mark.needs_postgres]
TIMES = MOST_LINES + 80
FORGED = '{"event": "forged", "level": "error"}'
NO_REQUEST = {
    "a broken version": b"GET / HTTP/9.9\r\n\r\n",
    "a bad header": b"GET / HTTP/1.1\r\nHost: x\r\nbad header " + b"x" * 4_000 + b"\r\n\r\n",
    "a bare line feed in a header": f"GET / HTTP/1.1\r\nHost: x\r\nX: \x00\n{FORGED}\r\n\r\n".encode(),
}
REFUSED = {
    "a strange host": (("GET", "/", f"Host: evil%0a{FORGED}"), (400, 404, 421)),
    "a form without its token": (("POST", f"/admin/login/?%0a{FORGED.replace(' ', '')}"), (400, 403)),
    "an assertion of nobody": (("POST", "/oauth2/token"), (400, 401)),
}


def lines_since(wire, before):
    return wire.process.text[before:].splitlines()


@pytest.mark.parametrize("kind", NO_REQUEST)
def test_requests_that_are_none_write_a_bounded_number_of_lines(wire, kind):
    before = len(wire.process.text)
    for _ in range(TIMES):
        wire.send(NO_REQUEST[kind])
    wire.ask("GET", "/livez")
    lines = lines_since(wire, before)
    assert len(lines) <= MOST_LINES
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert all(len(line) < 3 * LONGEST for line in lines)
    assert not [line for line in lines if json.loads(line).get("event") == "forged"]


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_requests_write_lines_that_are_ours_alone(wire, kind):
    before = len(wire.process.text)
    asked, statuses = REFUSED[kind]
    for _ in range(20):
        assert wire.ask(*asked, sent=b"client_assertion=a%0ab&grant_type=client_credentials").status in statuses
    lines = [json.loads(line) for line in lines_since(wire, before)]
    assert not [line for line in lines if line.get("event") == "forged"]
