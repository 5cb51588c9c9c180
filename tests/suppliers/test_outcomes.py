from datetime import UTC, datetime

import pytest
from requests.structures import CaseInsensitiveDict

from orders.integrations.channels import Verdict
from orders.outgoing import (
    Answer,
    ConnectFailed,
    ConnectionCut,
    DeadlineExceeded,
    Refused,
    TlsFailed,
    TooLarge,
    Unresolved,
    Unsendable,
)
from orders.values.storable_text import response_cut
from suppliers.webhooks.outcomes import outcome_of_answer, outcome_of_error

NOW = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)


def answer(status, headers=None, body=b""):
    return Answer(status, CaseInsensitiveDict(headers or {}), body, 0.1)


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "wait", "all_wait", "breaker"),
    [
        (200, {}, Verdict.DELIVERED, None, False, False),
        (202, {}, Verdict.DELIVERED, None, False, False),
        (204, {"Retry-After": "9"}, Verdict.DELIVERED, None, False, False),
        (299, {}, Verdict.DELIVERED, None, False, False),
        (301, {"Location": "https://x.example.com"}, Verdict.UNAVAILABLE, None, False, False),
        (304, {}, Verdict.UNAVAILABLE, None, False, False),
        (400, {}, Verdict.UNAVAILABLE, None, False, False),
        (400, {"Retry-After": "9"}, Verdict.UNAVAILABLE, 9.0, True, False),
        (401, {}, Verdict.MISCONFIGURED, None, False, False),
        (403, {"Retry-After": "9"}, Verdict.MISCONFIGURED, None, False, False),
        (404, {}, Verdict.UNAVAILABLE, None, False, False),
        (409, {}, Verdict.UNAVAILABLE, None, False, False),
        (410, {}, Verdict.MISCONFIGURED, None, False, False),
        (422, {}, Verdict.UNAVAILABLE, None, False, False),
        (429, {}, Verdict.UNAVAILABLE, 1.0, True, False),
        (429, {"Retry-After": "120"}, Verdict.UNAVAILABLE, 120.0, True, False),
        (500, {}, Verdict.UNAVAILABLE, None, False, True),
        (501, {"retry-after": "7200"}, Verdict.UNAVAILABLE, 3600.0, True, True),
        (502, {}, Verdict.UNAVAILABLE, 1.0, True, True),
        (503, {}, Verdict.UNAVAILABLE, 1.0, True, True),
        (504, {}, Verdict.UNAVAILABLE, 1.0, True, True),
        (599, {}, Verdict.UNAVAILABLE, None, False, True),
    ],
)
def test_the_outcome_table(status, headers, verdict, wait, all_wait, breaker):
    outcome = outcome_of_answer(answer(status, headers, b"why"), now=NOW)
    assert (outcome.verdict, outcome.retry_after, outcome.destination_waits, outcome.counts_for_breaker) == (
        verdict, wait, all_wait, breaker,
    )  # fmt: skip
    assert (outcome.response_status, outcome.response_cut) == (status, "why")
    assert str(status) in outcome.detail


@pytest.mark.parametrize(
    ("error", "verdict", "breaker"),
    [
        (Unsendable("x"), Verdict.MISCONFIGURED, False),
        (Refused("x"), Verdict.MISCONFIGURED, False),
        (TlsFailed("x"), Verdict.MISCONFIGURED, False),
        (Unresolved("x"), Verdict.UNAVAILABLE, True),
        (ConnectFailed("x"), Verdict.UNAVAILABLE, True),
        (ConnectionCut("x"), Verdict.UNAVAILABLE, True),
        (DeadlineExceeded("x"), Verdict.UNAVAILABLE, True),
        (TooLarge("x"), Verdict.UNAVAILABLE, False),
    ],
)
def test_a_call_without_an_answer_has_its_outcome(error, verdict, breaker):
    outcome = outcome_of_error(error)
    assert (outcome.verdict, outcome.counts_for_breaker, outcome.detail) == (verdict, breaker, "x")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("0", 1.0),
        (" 30 ", 30.0),
        ("9" * 400, 3600.0),
        ("Fri, 20 Nov 2026 08:01:00 GMT", 60.0),
        ("Fri, 20 Nov 2026 07:00:00 GMT", 1.0),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 3600.0),
        ("Fri, 20 Nov 2026 08:01:00 -0000", 60.0),
        ("²", None),
        (f"Fri, {'9' * 20} Nov 2026 08:01:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_second_and_an_hour(text, seconds):
    assert outcome_of_answer(answer(400, {"Retry-After": text}), now=NOW).retry_after == seconds


def test_a_body_is_cut_and_can_be_stored():
    assert response_cut(b"a\x00\xff" + b"x" * 9000) == "a\ufffd\ufffd" + "x" * 1997
    assert response_cut("é".encode() * 5000) == "é" * 2000
