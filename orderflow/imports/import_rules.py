"""What a change owes one warehouse (docs/design/outbox.md#required-deliveries). No Django.

A change is compared with what the warehouse was last owed. Whether a cancel goes before an import is not decided here
but when sending, from what the warehouse is then known to hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CANCELLED = "CANCELLED"
FULFILLED = "FULFILLED"

IMPORT = "import"
CANCEL = "cancel"
CLOSE = "close"
"""The order was fulfilled while an import of it was unsent or dead: that import is superseded, nothing is sent."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the warehouse was last owed, and whether it is known to hold just that."""

    owed: str = ""
    digest: str = ""
    arrived: bool = False
    """True when the last owed import is known to be what the warehouse holds."""
    present: bool = False
    """True when the warehouse holds, or may hold, any import of the order."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the warehouse should hold after a change."""

    status: str
    has_lines: bool
    digest: str
    """Of the import that would be sent now; of no meaning without lines."""
    unchanged: Callable[[], bool] = lambda: False
    """Whether the order before the change would make the very same import, asked only where it matters."""


@dataclass(frozen=True, slots=True)
class RequiredImport:
    """``kind`` is empty where nothing is owed; then ``because`` says why, for the timeline."""

    kind: str = ""
    because: str = ""


def required_import(known: Known, wanted: Wanted, *, updates: bool, cancels: bool) -> RequiredImport:
    """``updates`` and ``cancels``: whether the channel wants them (on_update, on_cancel)."""
    if wanted.status == CANCELLED:
        return _withdraw(known, wanted=cancels, reason="the order is cancelled", setting="on_cancel")
    if wanted.status == FULFILLED:
        return _close(known)
    if not wanted.has_lines:
        return _withdraw(known, wanted=updates, reason="no line is for this warehouse", setting="on_update")
    if known.owed == IMPORT:
        return _change(known, wanted, updates=updates)
    return RequiredImport(IMPORT)


def _withdraw(known: Known, *, wanted: bool, reason: str, setting: str) -> RequiredImport:
    """Whoever was ever owed an import may hold it: one may be under way that nothing else tells of yet."""
    if known.owed == CANCEL:
        return RequiredImport(because=f"{reason}, and its cancellation is already owed")
    if not known.owed and not known.present:
        return RequiredImport(because=f"{reason}, and the warehouse was never told of it")
    if not wanted and (known.arrived or known.owed != IMPORT):
        return RequiredImport(because=f"{reason}, and the channel's {setting} is ignore")
    return RequiredImport(CANCEL)


def _close(known: Known) -> RequiredImport:
    if known.owed == IMPORT and not known.arrived:
        return RequiredImport(CLOSE)
    return RequiredImport(because="the order is fulfilled")


def _change(known: Known, wanted: Wanted, *, updates: bool) -> RequiredImport:
    if wanted.digest == known.digest:
        return RequiredImport(because="the import would be the one last owed")
    if known.arrived and not updates:
        return RequiredImport(because="the channel's on_update is ignore")
    if wanted.unchanged():
        return RequiredImport(because="nothing that the warehouse is told changed")
    return RequiredImport(IMPORT)
