"""A connection whose caller has its last answer: how long what still comes is taken and thrown away."""

from __future__ import annotations

import socket

import pytest

from config.webserver import bounds, stages


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(stages.time, "monotonic", lambda: Clock.now)
    return Clock


def test_a_caller_that_is_silent_is_left_soon_and_one_that_sends_is_heard_out(clock):
    ours, caller = socket.socketpair()
    ours.setblocking(False)
    leave = stages.Leave()
    with ours, caller:
        assert not leave.is_late(100 + bounds.LEAVE_SECONDS, 75)
        assert leave.is_late(100.1 + bounds.LEAVE_SECONDS, 75)
        while clock.now < 100 + bounds.LEAVE_MOST_SECONDS - 1:
            clock.now += 1
            caller.sendall(b"a")
            assert not leave.step(ours)
            assert not leave.step(ours)
            assert not leave.is_late(clock.now, 75)
        assert leave.is_late(100.1 + bounds.LEAVE_MOST_SECONDS, 75)
        caller.close()
        assert leave.step(ours)
