"""How far a load is, kept beside the file, so that a killed run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1024 * 1024


class PositionRefused(Exception):
    """The kept position does not fit; the text says what to do."""


@dataclass(slots=True)
class Position:
    """All before ``offset`` was answered. ``digest`` is of these bytes: a changed file is not gone on with."""

    tenant: str
    url: str
    offset: int = 0
    line: int = 1
    accepted: int = 0
    refused: int = 0
    digest: str = ""


class Keeper:
    """Reads, moves and writes the position of one file."""

    def __init__(self, path: Path, position: Position) -> None:
        self.path, self.position = path, position
        self._sha = hashlib.sha256()

    @classmethod
    def open(cls, path: Path, file: BinaryIO, *, tenant: str, url: str) -> Keeper:
        """At the kept position, the file moved there; at the beginning where none is kept. Raises PositionRefused."""
        keeper = cls(path, Position(tenant, url))
        if path.exists():
            keeper._go_on(file)
        return keeper

    def _go_on(self, file: BinaryIO) -> None:
        fresh = self.position
        try:
            kept = Position(**json.loads(self.path.read_text()))
        except (ValueError, TypeError):
            raise PositionRefused(f"{self.path} is no position of a load; remove it to begin anew.") from None
        if (kept.tenant, kept.url) != (fresh.tenant, fresh.url):
            raise PositionRefused(
                f"{self.path} says that this file is being loaded for {kept.tenant} to {kept.url}; go on with that, or "
                "remove it to begin anew."
            )
        left = kept.offset
        while left and (chunk := file.read(min(CHUNK_BYTES, left))):
            self._sha.update(chunk)
            left -= len(chunk)
        if self._sha.hexdigest() != kept.digest:
            raise PositionRefused(
                f"The file changed in the part that was loaded already (up to line {kept.line - 1:,}). Loading an "
                f"order again does no harm: remove {self.path} to begin anew."
            )
        self.position = kept

    def move(self, text: bytes, *, lines: int, accepted: int, refused: int) -> None:
        """These bytes were answered. Written whole or not at all."""
        here = self.position
        self._sha.update(text)
        here.offset, here.line, here.digest = here.offset + len(text), here.line + lines, self._sha.hexdigest()
        here.accepted, here.refused = here.accepted + accepted, here.refused + refused
        self.write()

    def write(self) -> None:
        """Raises OSError where the place cannot be written."""
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_text(json.dumps(asdict(self.position)))
        os.replace(fresh, self.path)

    def done(self) -> None:
        self.path.unlink(missing_ok=True)
