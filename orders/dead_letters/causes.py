"""Why rows are dead, in words that are the same for every row with the same cause.

``plain`` takes out what differs from row to row: ids, numbers, quoted values. What is left names the group; nothing is
stored for it, so a rule changed here holds for old rows too. Answers with different status codes stay apart.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

REMEMBERED = 20_000
"""Errors whose cause is kept in memory: as many as one list reads (orders.dead_letters.groups)."""
LONGEST = 300
"""Characters of an error that tell causes apart."""

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
        "Workers died on it. Retry a single one first and watch it; if it dies again, report its event id.",
    ),
    (EVENTS, "inside the hub", "A fault of the hub. Preview after an update; if it still fails, report one event id."),
    (SUPPLIER, "answered 5", "The supplier's system failed. Ask whether it is well again, then retry."),
    (SUPPLIER, "answered 4", "The supplier refuses it. Ask why, with one delivery id; retry once that is mended."),
    (SUPPLIER, "", "The supplier was not reached in time. Look at its destination; retry when tries go well there."),
    (WAREHOUSE, "OrderFlow refused", "Correct what OrderFlow names (product, customer, settings), then retry."),
    (WAREHOUSE, "", "OrderFlow gave no verdict in time. Look at its destination; retry when tries go well there."),
)
_OTHERWISE = "Open one, read its tries, mend the cause, then retry."


@lru_cache(maxsize=REMEMBERED)
def plain(error: str) -> str:
    """The error without what is peculiar to one row."""
    text = " ".join(error[:LONGEST].split())
    return _WITH_DIGIT.sub(_without_number, _QUOTED.sub("“…”", text)) or "no reason was recorded"


@lru_cache(maxsize=REMEMBERED)
def cause_of(error: str) -> str:
    """The key of the cause, short and without a personal value in it: fit for an address."""
    return sha256(plain(error).encode()).hexdigest()[:16]


def what_to_try(road: str, words: str) -> str:
    return next((advice for of, part, advice in _ADVICE if of == road and part in words), _OTHERWISE)


def _without_number(found: re.Match[str]) -> str:
    token = found[0]
    end = _END.search(token)
    tail = end[0] if end else ""
    bare = token[: len(token) - len(tail)]
    return token if _STATUS.match(bare) else f"…{tail}"
