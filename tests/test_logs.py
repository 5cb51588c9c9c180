"""What strangers send may stand in the log: it breaks no line, fills no disk, and is not printed without end."""

from __future__ import annotations

import logging

import pytest

from config.logs import (
    LONGEST,
    LONGEST_EXCEPTION,
    MOST_LINES,
    WINDOW_SECONDS,
    BoundedLines,
    cut_long_values,
    without_control_characters,
)

BREAKS = ["\n", "\r\n", "\x1b[2J", "\x85", "\u2028", "\u2029", "\x00", "\x9b31m"]


def record(message, *args, line=1):
    return logging.LogRecord("n", logging.WARNING, "a.py", line, message, args, None)


@pytest.mark.parametrize("broken", BREAKS)
def test_no_value_breaks_a_line_of_the_console_or_moves_its_cursor(broken):
    entry = without_control_characters(None, "", {"event": f"e{broken}x", "client": f"c{broken}y", "n": 1})
    assert all(text.isprintable() for text in (entry["event"], entry["client"]))
    assert entry["n"] == 1


def test_a_traceback_keeps_its_lines_and_nothing_else():
    entry = without_control_characters(None, "", {"exception": "one\ntwo\x1b[2J\rthree"})
    assert entry["exception"] == "one\ntwo\\x1b[2J\\rthree"


@pytest.mark.parametrize("value", ["x" * 1_000_000, ["x" * 1_000] * 1_000, {"a": "x" * 1_000_000}])
def test_a_long_value_is_cut_and_says_how_long_it_was(value):
    entry = cut_long_values(None, "", {"event": "e", "value": value, "exception": "x" * 1_000_000})
    assert len(entry["value"]) < LONGEST + 50
    assert entry["value"].endswith(" characters)")
    assert LONGEST < len(entry["exception"]) < LONGEST_EXCEPTION + 50
    assert entry["event"] == "e"


def test_short_values_keep_their_type():
    entry = {"event": "e", "places": ["a"], "n": 5, "yes": True, "none": None}
    assert cut_long_values(None, "", dict(entry)) == entry


def test_of_one_kind_of_line_so_many_pass_and_the_next_says_how_many_did_not(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("config.logs.time.monotonic", lambda: now[0])
    bounded = BoundedLines()
    passed = [bounded.filter(record({"event": "refused", "client": str(n)})) for n in range(MOST_LINES + 7)]
    assert (passed.count(True), bounded.filter(record({"event": "another"}))) == (MOST_LINES, True)
    now[0] += WINDOW_SECONDS
    late = record({"event": "refused"})
    assert (bounded.filter(late), late.msg) == (True, {"event": "refused", "left_out": 7})
    assert [bounded.filter(record({"event": "refused"})) for _ in range(MOST_LINES)].count(True) == MOST_LINES - 1


def test_lines_of_libraries_are_of_one_kind_by_their_place_whatever_they_say(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("config.logs.time.monotonic", lambda: now[0])
    bounded = BoundedLines()
    passed = [bounded.filter(record(f"Invalid host {n}")) for n in range(MOST_LINES + 7)]
    assert (passed.count(True), bounded.filter(record("of another place", line=2))) == (MOST_LINES, True)
    now[0] += WINDOW_SECONDS
    late = record("Invalid host %s", "x")
    assert bounded.filter(late)
    assert late.getMessage() == "Invalid host x (7 more like this were left out)"
