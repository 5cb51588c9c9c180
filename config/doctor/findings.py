"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    WELL = "ok"
    WARNING = "warning"
    """Works now, but a person should know."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    verdict: Verdict
    said: str
    do: str = ""
    """The next step; empty where nothing is to be done."""

    def line(self) -> str:
        step = f"\n{'':9}→ {self.do}" if self.do else ""
        return f"{self.verdict.value:<7}  {self.name}: {self.said}{step}"


def well(name: str, said: str) -> Finding:
    return Finding(name, Verdict.WELL, said)


def warning(name: str, said: str, do: str) -> Finding:
    return Finding(name, Verdict.WARNING, said, do)


def wrong(name: str, said: str, do: str) -> Finding:
    return Finding(name, Verdict.WRONG, said, do)
