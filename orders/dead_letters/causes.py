"""The cause of a dead row: its error without what differs from row to row.

``plain`` removes ids, numbers and quoted values; the rest names the group. Nothing is stored, so a changed rule applies
to old rows too. Answers with different status codes stay different causes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

REMEMBERED = 20_000
"""Errors whose cause is kept in memory: as many as one list reads (orders.dead_letters.groups)."""
LONGEST = 300
"""Characters of an error that count for its cause."""

_QUOTED = re.compile(r"(?<!\w)(['\"]).{0,200}?\1(?!\w)")
_WITH_DIGIT = re.compile(r"[^\s/]*\d[^\s/]*")
_STATUS = re.compile(r"[1-5]\d\d\Z")
_END = re.compile(r"[^\w…]*\Z")

EVENTS, SUPPLIER, WAREHOUSE = "events", "supplier", "orderflow"
_ADVICE = (
    (EVENTS, "fault injection", "This is a rehearsal: switch fault injection off, then retry."),
    (
        EVENTS,
        "stored body is not valid",
        "A retry fails again. Ask the sender to send the orders anew with a valid body, then discard these.",
    ),
    (
        EVENTS,
        "lost three times",
        "Workers died on it. Retry a single one first; if it dies again, report its event id.",
    ),
    (EVENTS, "inside the hub", "A fault of the hub. Preview after an update; if it still fails, report one event id."),
    (SUPPLIER, "answered 5", "The supplier's system failed. Ask whether it works again, then retry."),
    (SUPPLIER, "answered 4", "The supplier refuses it. Ask why, with one delivery id; retry when that is corrected."),
    (SUPPLIER, "", "The supplier was not reached in time. Look at its destination; retry when it answers again."),
    (WAREHOUSE, "OrderFlow refused", "Correct what OrderFlow names (product, customer, settings), then retry."),
    (WAREHOUSE, "", "OrderFlow did not answer in time. Look at its destination; retry when it answers again."),
)
_OTHERWISE = "Open one, read its attempts, correct the cause, then retry."


@lru_cache(maxsize=REMEMBERED)
def plain(error: str) -> str:
    """The error without what is specific to one row."""
    text = " ".join(error[:LONGEST].split())
    return _WITH_DIGIT.sub(_without_number, _QUOTED.sub("“…”", text)) or "no reason was recorded"


@lru_cache(maxsize=REMEMBERED)
def cause_of(error: str) -> str:
    """The key of the cause: short, without personal data, safe in a URL."""
    return sha256(plain(error).encode()).hexdigest()[:16]


def what_to_try(kind: str, words: str) -> str:
    """Advice for an operator on a cause of dead rows of this kind."""
    return next((advice for of, part, advice in _ADVICE if of == kind and part in words), _OTHERWISE)


def _without_number(found: re.Match[str]) -> str:
    token = found[0]
    end = _END.search(token)
    tail = end[0] if end else ""
    bare = token[: len(token) - len(tail)]
    return token if _STATUS.match(bare) else f"…{tail}"
