"""The file cut into requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LINES_MOST = 500
"""Half of what the hub takes: an answer comes in well under a second, so a kill repeats little and a bar moves."""
BYTES_MOST = 8 * 1024 * 1024
LINE_BYTES = 1024 * 1024
"""413 over 1 MiB, for a line too (docs/reference/limits.md). A longer one is not even sent."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines of the file: ``text`` as it stands there, ``body`` as it is sent. ``first_line`` counts from 1."""

    first_line: int
    lines: int
    text: bytes
    body: bytes
    too_long: tuple[int, ...] = ()
    """Numbers of lines that are left out, each sent as an empty one so that the numbers stay right."""

    def key(self, tenant: str) -> str:
        """The Idempotency-Key: the same for the same lines at the same place, and for no others."""
        place = f"{tenant}\n{self.first_line}\n".encode()
        return f"load-{hashlib.sha256(place + self.body).hexdigest()[:40]}"


def batches(file: BinaryIO, *, first_line: int) -> Iterator[Batch]:
    """From where the file stands to its end."""
    number, size = first_line, 0
    lines: list[bytes] = []
    for line in file:
        if lines and (len(lines) == LINES_MOST or size + len(line) > BYTES_MOST):
            yield _batch(number, lines)
            number, lines, size = number + len(lines), [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield _batch(number, lines)


def _batch(number: int, lines: list[bytes]) -> Batch:
    too_long = tuple(place for place, line in enumerate(lines, number) if len(line) > LINE_BYTES)
    sent = [b"\n" if len(line) > LINE_BYTES else line for line in lines]
    return Batch(number, len(lines), b"".join(lines), b"".join(sent), too_long)
