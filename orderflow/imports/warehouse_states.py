"""What is known of one order at a warehouse, and what each piece of evidence makes of it: the one table.

Whatever the hub believes a warehouse to hold goes through ``learned``; docs/design/warehouse-state.md is the same in
words.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from orderflow.imports.unanswered import Unanswered
from orderflow.models import WarehouseOrder

State = WarehouseOrder.State


@dataclass(frozen=True, slots=True)
class Holding:
    """What is known of one order's place at the warehouse.

    ``digest`` is of the import that it holds, or, while that is unknown, the only one that it may hold; empty where it
    may be any.
    """

    state: str
    digest: str = ""
    unanswered: Unanswered = field(default_factory=Unanswered)


ABSENT = Holding(State.ABSENT)
CANCELLED = Holding(State.CANCELLED)


class Evidence(enum.Enum):
    """What was done or answered."""

    IMPORT_GOES_OUT = "an import is about to be sent"
    LOOK_BEGINS = "a look is about to go out, and after it maybe the import that is named already"
    REPLACEMENT_BEGINS = "what it holds is about to be cancelled and replaced by another import"
    CANCEL_BEGINS = "what it holds is about to be cancelled"
    NOTHING_DONE = "the request could not be made, was only a look, or was refused for its settings"
    IMPORTED = "the result lists the import as a success"
    SAME_FOUND = "order detail shows the lines and quantities of the import that it may hold"
    OTHER_FOUND = "order detail shows an order, of another version or of no known one"
    CANCELLED_FOUND = "order detail shows the order as cancelled"
    NOT_FOUND = "OrderFlow answers that it has no such order"
    NOT_FOUND_EARLY = "the same, while an import may still arrive"
    REFUSED = "the result lists the import as a failure"
    UNLISTED = "the result does not mention the import"
    NO_VERDICT = "the import's answer was lost or cannot be read, or it met a duplicate that cannot be seen"
    CANCEL_DONE = "OrderFlow answers that it cancelled the order"
    CANCEL_DONE_EARLY = "the same, while another import of the order may still arrive"
    CANCEL_REFUSED = "OrderFlow answers that it cancelled nothing, where it held the order"
    CANCEL_REFUSED_EARLY = "the same, while another cancel may still arrive"
    CANCEL_NO_VERDICT = "the cancel's answer was lost or cannot be read"


class Names(enum.Enum):
    """Which import the digest names afterwards."""

    THIS = "the import of this delivery"
    BEFORE = "the same as before"
    NONE = "none: it may be any"


@dataclass(frozen=True, slots=True)
class Next:
    state: State
    names: Names = Names.NONE


_A, _U, _L, _H, _C = State.ABSENT, State.UNKNOWN, State.UNLISTED, State.HELD, State.CANCELLED
_NOTHING, _HELD_BY_US, _MAYBE_OURS = Next(_A), Next(_H, Names.THIS), Next(_U, Names.THIS)
_SOME_ORDER, _ANYTHING, _GONE = Next(_H), Next(_U), Next(_C)
_STILL_UNKNOWN, _STILL_UNLISTED = Next(_U, Names.BEFORE), Next(_L, Names.BEFORE)

TRANSITIONS: Mapping[Evidence, Mapping[State, Next]] = {
    Evidence.IMPORT_GOES_OUT: {_A: _MAYBE_OURS, _U: _MAYBE_OURS, _C: _MAYBE_OURS},
    Evidence.LOOK_BEGINS: {_L: _STILL_UNLISTED},
    Evidence.REPLACEMENT_BEGINS: {_U: _ANYTHING, _L: _ANYTHING, _H: _ANYTHING},
    Evidence.CANCEL_BEGINS: {_U: _STILL_UNKNOWN, _L: _STILL_UNLISTED, _H: _ANYTHING},
    Evidence.NOTHING_DONE: {state: Next(state, Names.BEFORE) for state in State},
    Evidence.IMPORTED: {_A: _HELD_BY_US, _U: _HELD_BY_US, _C: _HELD_BY_US},
    Evidence.SAME_FOUND: {_A: _HELD_BY_US, _U: _HELD_BY_US, _L: _HELD_BY_US, _C: _HELD_BY_US},
    Evidence.OTHER_FOUND: {_A: _SOME_ORDER, _U: _SOME_ORDER, _L: _SOME_ORDER, _C: _SOME_ORDER},
    Evidence.CANCELLED_FOUND: {_A: _GONE, _U: _GONE, _L: _GONE, _C: _GONE},
    Evidence.NOT_FOUND: {_U: _NOTHING, _L: _NOTHING},
    Evidence.NOT_FOUND_EARLY: {_U: _STILL_UNKNOWN, _L: _STILL_UNLISTED},
    Evidence.REFUSED: {_A: _NOTHING, _U: _STILL_UNKNOWN, _C: _NOTHING},
    Evidence.UNLISTED: {_A: Next(_L, Names.THIS), _U: Next(_L, Names.THIS), _C: Next(_L, Names.THIS)},
    Evidence.NO_VERDICT: {_A: _MAYBE_OURS, _U: _MAYBE_OURS, _C: _MAYBE_OURS},
    Evidence.CANCEL_DONE: {_U: _GONE, _L: _GONE, _H: _GONE},
    Evidence.CANCEL_DONE_EARLY: {_U: _ANYTHING, _L: _ANYTHING, _H: _ANYTHING},
    Evidence.CANCEL_REFUSED: {_U: _SOME_ORDER, _L: _SOME_ORDER, _H: Next(_H, Names.BEFORE)},
    Evidence.CANCEL_REFUSED_EARLY: {_U: _STILL_UNKNOWN, _L: _STILL_UNLISTED, _H: _ANYTHING},
    Evidence.CANCEL_NO_VERDICT: {_U: _ANYTHING, _L: _ANYTHING, _H: _ANYTHING},
}
"""Evidence, then the state before. A pair that is not here cannot come about (``orderflow.imports.steps``)."""


IMPORT_UNANSWERED = {
    Evidence.IMPORT_GOES_OUT, Evidence.LOOK_BEGINS, Evidence.REPLACEMENT_BEGINS, Evidence.NO_VERDICT,
}  # fmt: skip
CANCEL_UNANSWERED = {Evidence.REPLACEMENT_BEGINS, Evidence.CANCEL_BEGINS, Evidence.CANCEL_NO_VERDICT}
_FOUND = {Evidence.SAME_FOUND, Evidence.OTHER_FOUND, Evidence.CANCELLED_FOUND}


def learned(before: Holding, evidence: Evidence, *, digest: str = "") -> Holding:
    """What is known after ``evidence``; ``digest`` is of the import of the delivery.

    A pair that the table lacks proves nothing: the warehouse is asked before anything is sent again.
    """
    after = TRANSITIONS[evidence].get(State(before.state), _ANYTHING)
    named = {Names.THIS: digest, Names.BEFORE: before.digest, Names.NONE: ""}[after.names]
    return Holding(after.state, named, _unanswered(before, evidence, after.state))


def _unanswered(before: Holding, evidence: Evidence, after: State) -> Unanswered:
    """Calls without an answer, after ``evidence``. Absence is only ever proved when no import can arrive any more."""
    calls = before.unanswered
    only_one = before.state == _U and before.digest != "" and calls.imports == 1
    if after in (_A, _C) or (evidence in _FOUND and only_one):
        calls = calls.without_imports()
    if evidence in CANCEL_UNANSWERED:
        calls = calls.with_cancel()
    return calls.with_import() if evidence in IMPORT_UNANSWERED else calls
