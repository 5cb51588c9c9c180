"""What a webhook receiver's answer means (docs/reference/supplier-events.md#outcomes).

2xx                                     delivered
410                                     the endpoint is gone: it stops, its rows stay pending
401, 403, TLS, refused address          misconfigured: it stops and is probed, no attempt counted
429, 502, 503, 504, any Retry-After     tried again, the endpoint's other lanes wait too
anything else, timeout, cut             tried again on the schedule, dead after the last step

The status decides, whatever becomes of the rest of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from orders.integrations.channels import Outcome, Verdict
from orders.outgoing import Answer, Misconfigured, OutgoingError, TooLarge, asked_wait
from orders.queueing.retry_schedule import bounded
from orders.values.storable_text import response_cut

GONE = 410
DENIED = (401, 403)
BUSY = (429, 502, 503, 504)
"""One of these that names no Retry-After is left alone for the least."""


def outcome_of_answer(answer: Answer, *, now: datetime) -> Outcome:
    """The outcome of an answer with any status."""
    status, cut = answer.status, response_cut(answer.shown)
    if 200 <= status < 300:
        rest = f" The rest of the answer is not usable: {answer.broken}." if answer.broken else ""
        return Outcome(Verdict.DELIVERED, f"Accepted with {status}.{rest}", status, cut)
    if status == GONE:
        return Outcome(Verdict.MISCONFIGURED, GONE_DETAIL, status, cut)
    if status in DENIED:
        detail = (
            f"The receiver answered {status}: it does not accept the hub's credentials. Correct the webhook's auth."
        )
        return Outcome(Verdict.MISCONFIGURED, detail, status, cut)
    asked = asked_wait(answer.headers, now=now)
    busy = status in BUSY or asked is not None
    return Outcome(
        Verdict.UNAVAILABLE,
        answer.masked(_refusal(status, answer.headers)),
        status,
        cut,
        retry_after=bounded(asked or 0.0) if busy else None,
        destination_waits=busy,
        counts_for_breaker=status >= 500,
    )


GONE_DETAIL = (
    "The receiver answered 410 Gone: the endpoint is disabled. Ask the supplier for its new address; "
    "its pending deliveries are kept."
)


def outcome_of_error(error: OutgoingError) -> Outcome:
    """The outcome of a call that got no answer."""
    if isinstance(error, Misconfigured):
        return Outcome(Verdict.MISCONFIGURED, str(error))
    return Outcome(Verdict.UNAVAILABLE, str(error), counts_for_breaker=not isinstance(error, TooLarge))


def _refusal(status: int, headers: Mapping[str, str]) -> str:
    if 300 <= status < 400:
        target = headers.get("Location", "")[:200]
        return f"The receiver answered {status} and points to {target!r}; redirects are not followed."
    return f"The receiver answered {status}."
