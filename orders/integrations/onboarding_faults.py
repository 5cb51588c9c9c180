"""What is wrong with an onboarding file: each fault with its file, line and key, all of them at once.

FileRefused      nothing was stored; the message lists every fault
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orders.integrations.onboarding_report import Place

SHOWN_FAULTS = 200
"""The most faults that one message lists."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """``line`` counts from 1; ``place`` is empty where the file as a whole is meant."""

    file: str
    line: int
    place: Place
    because: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {path_of(self.place)}: {self.because}" if self.place else f"{where}: {self.because}"


class FileRefused(Exception):
    """The file has faults; nothing was stored."""

    def __init__(self, file: str, faults: Sequence[FileFault]) -> None:
        self.faults = tuple(dict.fromkeys(sorted(faults, key=lambda fault: fault.line)))
        lines = [f"  {fault}" for fault in self.faults[:SHOWN_FAULTS]]
        if len(self.faults) > SHOWN_FAULTS:
            lines.append(f"  … and {len(self.faults) - SHOWN_FAULTS} more")
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{file} was refused and nothing was stored: {count}.", *lines]))


def path_of(place: Place) -> str:
    """``tenants[0].suppliers[1].webhook.url``, as a person writes it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")
