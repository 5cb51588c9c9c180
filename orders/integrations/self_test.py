"""The trials of a tenant's self-test; each returns one result.

An integration adds its own (``Integration.self_test``). Trials run one after the other, so a generator may keep
something open while its trials run.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

CHECK_ID = "orderhub-check"
"""Business unit and order to ask for when there is no order yet: nobody has it, so "unknown" is the right answer."""


class Outcome(enum.StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of one trial. ``next_step`` says what to do about a failure."""

    outcome: Outcome
    detail: str
    next_step: str = ""


def ok(detail: str) -> TrialResult:
    return TrialResult(Outcome.OK, detail)


def failed(detail: str, next_step: str) -> TrialResult:
    return TrialResult(Outcome.FAILED, detail, next_step)


def not_applicable(because: str) -> TrialResult:
    return TrialResult(Outcome.NOT_APPLICABLE, because)


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to try. ``act`` may call the network, with time limits, and raises nothing for what a partner does."""

    area: str
    """What its line begins with: ``API``, ``suppliers``."""
    step: str
    act: Callable[[], TrialResult]


@dataclass(frozen=True, slots=True)
class Step:
    """One step tried with a partner, as the API answers it; ``ok`` says whether the partner did as it should."""

    step: str
    ok: bool
    ms: int
    detail: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
