"""Faults that a simulator commits on demand: which ones there are, and the plan of those still to come.

A fault is asked for in one of three ways: for the next calls (``Simulator.fail`` or ``POST /_fault``), by a request
header, or by an order id; the last two where the simulator says so. The words are the same everywhere:

    delay=SECONDS   wait before doing anything
    status=NUMBER   refuse with this HTTP status and do nothing (with retry-after=SECONDS: that header too)
    drop            close the connection and do nothing
    lost            do it, then close the connection instead of answering
    late=SECONDS    do it, then wait before answering
    malformed       answer half of the document in a well-formed HTTP message
    truncated       promise the whole document, send half of it, close
    drip[=SECONDS]  send the body byte by byte, so far apart
    html            answer an HTML page with the status of the real answer
    body=TEXT       answer exactly this text
    gzip            answer gzip-encoded
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orders.simulators.wire import Answer, Call

WORDS = frozenset(
    {"delay", "status", "retry-after", "drop", "lost", "late", "malformed", "truncated", "drip", "html", "body", "gzip"}
)
NUMBERS = frozenset({"delay", "late", "status", "retry-after", "drip"})
LONGEST_DELAY_SECONDS = 600.0
"""Twice the longest whole-call limit of the hub (OrderFlow, 300 s): no fault needs to last longer."""
DRIP_SECONDS = 0.2
"""Slow enough to outlast a 5 s limit with any real document, quick enough to watch."""


class UnknownFault(ValueError):
    """A fault that the simulator does not know, or a value that is not a number in range."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call. Words without a value are there with the text ``""``."""

    words: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_words(cls, words: Mapping[str, Any], *, known: frozenset[str] = WORDS) -> Fault:
        """Check words given by name (underscores count as hyphens); false and None leave a word out."""
        given = {name.replace("_", "-"): value for name, value in words.items()}
        fault = cls({name: _text(value) for name, value in given.items() if value is not None and value is not False})
        for name, value in fault.words.items():
            _check(name, value, known=known)
        return fault

    @classmethod
    def from_text(cls, text: str, *, known: frozenset[str] = WORDS) -> Fault:
        """``delay=2;status=503;malformed``."""
        pairs = (part.strip().partition("=") for part in text.split(";") if part.strip())
        return cls.from_words({name.strip(): value.strip() for name, _, value in pairs}, known=known)

    def __contains__(self, word: str) -> bool:
        return word in self.words

    def __or__(self, other: Fault) -> Fault:
        return Fault({**self.words, **other.words})

    def number(self, word: str, default: float = 0.0) -> float:
        text = self.words.get(word, "")
        return float(text) if text else default

    @property
    def status(self) -> int | None:
        return int(self.words["status"]) if "status" in self.words else None

    def names(self, word: str) -> list[str]:
        """The comma-separated names of a word such as ``missing=status,customerId``."""
        return [name.strip() for name in self.words.get(word, "").split(",") if name.strip()]

    def spoil(self, answer: Answer) -> Answer:
        """The answer with those faults that lie in its body or headers."""
        if "html" in self:
            answer = replace(answer, body=b"<html><body><h1>Something went wrong</h1>", content_type="text/html")
        if "body" in self:
            answer = replace(answer, body=self.words["body"].encode())
        if "malformed" in self:
            answer = replace(answer, body=answer.body[: len(answer.body) // 2] or b"{<")
        if "retry-after" in self:
            answer = replace(answer, headers={**answer.headers, "Retry-After": self.words["retry-after"]})
        if "gzip" in self:
            packed = gzip.compress(answer.body, mtime=0)
            answer = replace(answer, body=packed, headers={**answer.headers, "Content-Encoding": "gzip"})
        return answer


def _text(value: Any) -> str:
    return "" if value is True else str(value)


def _check(name: str, value: str, *, known: frozenset[str]) -> None:
    if name not in known:
        raise UnknownFault(f"There is no fault {name!r}; there are: {', '.join(sorted(known))}.")
    if name not in NUMBERS or (name == "drip" and not value):
        return
    try:
        number = int(value) if name == "status" else float(value)
    except ValueError:
        raise UnknownFault(f"The fault {name!r} needs a number, not {value!r}.") from None
    low, high = (200, 599) if name == "status" else (0, LONGEST_DELAY_SECONDS)
    if not low <= number <= high:
        raise UnknownFault(f"The fault {name!r} must lie between {low} and {high:g}, not {value}.")


NO_FAULT = Fault()


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int | None
    on: str


class FaultPlan:
    """The faults still to come, in the order they were asked for."""

    def __init__(self, known: frozenset[str]) -> None:
        self.known = known
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def add(self, words: Mapping[str, Any], *, times: int | None, on: str) -> None:
        if times is not None and (not isinstance(times, int) or times < 1):
            raise UnknownFault("A fault is planned for 1 call or more, or with times null until it is cleared.")
        planned = _Planned(Fault.from_words(words, known=self.known), times, str(on))
        with self._lock:
            self._planned.append(planned)

    def take(self, call: Call) -> Fault:
        """The first planned fault for a call whose ``METHOD target`` contains ``on``; uses it up by one."""
        if not self._planned:
            return NO_FAULT
        line = f"{call.method} {call.target}"
        with self._lock:
            for planned in self._planned:
                if planned.on in line:
                    self._use(planned)
                    return planned.fault
        return NO_FAULT

    def _use(self, planned: _Planned) -> None:
        if planned.times is None:
            return
        planned.times -= 1
        if not planned.times:
            self._planned.remove(planned)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{**each.fault.words, "times": each.times, "on": each.on} for each in self._planned]
