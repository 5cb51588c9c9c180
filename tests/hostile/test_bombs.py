"""A partner that answers to hold the hub up: the time and memory of every call end, and its outcome is said plainly."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from orders.outgoing import Call, Deadline, send
from tests.hostile import partner_calls
from tests.hostile.bombs import BOMBS, SLOW
from tests.orders.wire_server import answer, wire_server

LIMIT = 262_144
MOST_KIB = 32 * 1024
"""What is made of 0.25 MiB of answer, 1.5 MiB of wire and a tree; without the limits a bomb takes 60 to 500 MiB."""
SECONDS = 0.2
LATE = 1.0
"""How much longer than its deadline a call may seem to take on a machine that is busy."""
ASKED = [each for each in partner_calls.PARTNER_CALLS if each is not partner_calls.oms_token_of_tenant]
"""A tenant's own authUrl reaches no loopback; from there on it is the code of the one that ops gave."""
PARTNER_CALLS = pytest.mark.parametrize("partner_call", ASKED, ids=lambda partner_call: partner_call.__name__)
HEAVY = (
    "gzip", "gzip in gzip", "deflate", "endless body", "endless chunks", "a chunk of -1 bytes", "endless headers",
    "a hundred headers of 64 KiB", "a status line that never ends", "deep JSON",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _limits(settings, loopback, monkeypatch):
    settings.HUB_RESPONSE_LIMIT_BYTES = LIMIT
    monkeypatch.setattr(partner_calls, "PUBLIC", "http://127.0.0.1:9/never-reached")


def asked(partner_call, url, *, seconds=SECONDS):
    try:
        return partner_call(url, seconds=seconds).words
    except partner_calls.Answered:
        return "answered"


@PARTNER_CALLS
def test_no_answer_takes_more_than_its_time_and_memory_and_each_has_plain_words(partner_call):
    for name, bomb in BOMBS.items():
        with wire_server(bomb) as server:
            before, began = highest_kib(anew=True), time.monotonic()
            words = asked(partner_call, f"{server.url}/api")
            took, grown = time.monotonic() - began, highest_kib() - before
        assert took < SECONDS + LATE, name
        assert grown < MOST_KIB, name
        assert_plain(words)


def highest_kib(*, anew=False):
    """The most memory that this process has held; ``anew``: counted from now on. 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])


@PARTNER_CALLS
def test_a_call_ends_at_its_deadline_however_slowly_the_partner_answers(partner_call):
    """One deadline over everything; a time limit for each read would never come to an end here."""
    for bomb in SLOW.values():
        with wire_server(bomb) as server:
            began = time.monotonic()
            words = asked(partner_call, f"{server.url}/api")
        assert time.monotonic() - began < SECONDS + LATE
        assert_plain(words)


def assert_plain(words):
    assert 8 <= len(words) < 4_500
    assert "\x00" not in words
    for inside in ("Traceback", "<class", "object at 0x", "Exception", "NoneType", "urllib3"):
        assert inside not in words, words


@pytest.mark.parametrize("bomb", ["two lengths", "a chunk of -5 bytes", "no gzip at all", "less than promised", "gzip"])
@pytest.mark.parametrize(
    "partner_call", [partner_calls.webhook, partner_calls.orderflow_import, partner_calls.orderflow_detail]
)
def test_a_broken_answer_stops_no_destination(partner_call, bomb):
    """It is tried again: nothing of it says that a setting of the hub is wrong."""
    with wire_server(BOMBS[bomb]) as server:
        try:
            assert not partner_call(f"{server.url}/api").misconfigured
        except partner_calls.Answered:
            assert partner_call is partner_calls.webhook  # status 200 came first


def test_what_follows_an_answer_is_not_taken_for_the_next():
    """A second answer behind the first, on a connection that is kept."""
    smuggled = answer(b"for nobody")
    told = [answer(b"one") + smuggled, answer(b"two")]
    with wire_server(lambda connection, _: connection.sendall(told.pop(0))) as server:
        for wanted in (b"one", b"two"):
            got = send(Call("GET", f"{server.url}/", destination="smuggled"), deadline=Deadline.after(5))
            assert got.body == wanted
            time.sleep(0.02)


def test_a_redirect_is_never_followed():
    with wire_server(BOMBS["a redirect to itself"]) as server:
        for partner_call in ASKED:
            before = len(server.requests)
            asked(partner_call, f"{server.url}/api")
            assert len(server.requests) - before == 1, partner_call
