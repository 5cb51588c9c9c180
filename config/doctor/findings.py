"""What a look came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    WELL = "ok"
    LOOK = "look"
    """Works now; a person should know."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    verdict: Verdict
    said: str
    do: str = ""
    """The next step; empty where nothing is to be done."""

    def line(self) -> str:
        step = f"\n{'':7}→ {self.do}" if self.do else ""
        return f"{self.verdict.value:<5}  {self.name}: {self.said}{step}"


def well(name: str, said: str) -> Finding:
    return Finding(name, Verdict.WELL, said)


def look(name: str, said: str, do: str) -> Finding:
    return Finding(name, Verdict.LOOK, said, do)


def wrong(name: str, said: str, do: str) -> Finding:
    return Finding(name, Verdict.WRONG, said, do)
