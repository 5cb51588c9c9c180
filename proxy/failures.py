"""What a failed read means to the caller and to the breaker: docs/reference/customer-order.md#external-errors."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from orders.outgoing import Answer, DeadlineExceeded, OutgoingError, TooLarge, Unavailable, asked_wait
from orders.outgoing.partner_tokens import PartnerTokenError, TokenRefused, TokenUnusable
from orders.values.problems import (
    ExternalBusy,
    ExternalContract,
    ExternalTimeout,
    ExternalUnavailable,
    Problem,
    UnknownOrder,
)

SHORTEST_WAIT, LONGEST_WAIT = 1, 60
"""Seconds of ``Retry-After`` passed on (docs/reference/customer-order.md#external-errors)."""


def problem_of_error(error: OutgoingError | PartnerTokenError) -> Problem:
    """The caller reads one plain sentence; ``str(error)`` is for ops."""
    if isinstance(error, DeadlineExceeded):
        return ExternalTimeout("The external service did not answer in time.")
    if isinstance(error, TooLarge):
        return ExternalContract("The external service's answer is larger than the hub accepts.")
    if isinstance(error, OutgoingError):
        return ExternalUnavailable(f"The external service could not be asked. {error.plain}")
    if isinstance(error, TokenRefused):
        return ExternalUnavailable("The external service's token endpoint refuses the stored credentials.")
    return ExternalUnavailable("The external service's token endpoint gave no usable token.")


def problem_of_status(answer: Answer, *, searching: bool) -> Problem:
    """For any status but 200."""
    status = answer.status
    if status == 404 and not searching:
        return UnknownOrder("The external service knows no such order.")
    if status == 404:
        return ExternalUnavailable("The external service has no search at this address; its URL may be wrong (404).")
    if status in (401, 403):
        return ExternalUnavailable(f"The external service refuses the stored credentials ({status}).")
    if status == 429:
        wait = str(waiting_seconds(answer))
        return ExternalBusy("The external service asks to wait (429).", headers={"Retry-After": wait})
    if 200 <= status < 300:
        return ExternalContract(f"The external service answered {status} where only 200 holds an answer.")
    return ExternalUnavailable(f"The external service answered {status}.")


def waiting_seconds(answer: Answer) -> int:
    """``Retry-After`` (seconds or a date) as seconds, limited to 1..60; 1 when it is absent or not valid."""
    seconds = asked_wait(answer.headers, now=datetime.now(UTC)) or 0.0
    return math.ceil(min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT))


def counts_against(error: OutgoingError | PartnerTokenError) -> bool:
    """For the breaker: refused, unresolved, timeout, cut, 5xx (docs/reference/customer-order.md#external-errors)."""
    if isinstance(error, TokenUnusable):
        return error.answer.status >= 500
    return isinstance(error, Unavailable)
