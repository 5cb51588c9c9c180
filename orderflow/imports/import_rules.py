"""The import or cancel that a change requires at one warehouse (docs/design/outbox.md#required-deliveries). No Django.

A change is compared with the last required import. When sending, it is decided whether a cancel must go first, from
what the warehouse is then known to hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orders.documents.status_words import is_cancelled, is_fulfilled

IMPORT = "import"
CANCEL = "cancel"
CLOSE = "close"
"""The order was fulfilled while an import of it was unsent or dead: that import is superseded, nothing is sent."""


@dataclass(frozen=True, slots=True)
class Known:
    """The last delivery that was required for the warehouse, and what it is known to hold."""

    required: str = ""
    """IMPORT, CANCEL, CLOSE, or empty for none."""
    digest: str = ""
    arrived: bool = False
    """True when the warehouse is known to hold the last required import."""
    present: bool = False
    """True when the warehouse holds, or may hold, any import of the order."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the warehouse should hold after a change."""

    status: str
    has_lines: bool
    digest: str
    """Of the import that would be sent now; meaningless without lines."""
    unchanged: Callable[[], bool] = lambda: False
    """Whether the order before the change makes the same import; called only where it matters."""


@dataclass(frozen=True, slots=True)
class RequiredImport:
    """``kind`` is empty when nothing is required; then ``because`` says why, for the timeline."""

    kind: str = ""
    because: str = ""


def required_import(known: Known, wanted: Wanted, *, updates: bool, cancels: bool) -> RequiredImport:
    """``updates`` and ``cancels``: whether the channel wants them (on_update, on_cancel)."""
    if is_cancelled(wanted.status):
        return _withdraw(known, wanted=cancels, reason="the order is cancelled", setting="on_cancel")
    if is_fulfilled(wanted.status):
        return _close(known)
    if not wanted.has_lines:
        return _withdraw(known, wanted=updates, reason="no line is for this warehouse", setting="on_update")
    if known.required == IMPORT:
        return _change(known, wanted, updates=updates)
    return RequiredImport(IMPORT)


def _withdraw(known: Known, *, wanted: bool, reason: str, setting: str) -> RequiredImport:
    """A warehouse for which an import was required may hold it, even if no answer has come yet."""
    if known.required == CANCEL:
        return RequiredImport(because=f"{reason}, and its cancellation is already pending")
    if not known.required and not known.present:
        return RequiredImport(because=f"{reason}, and it was never sent to the warehouse")
    if not wanted and (known.arrived or known.required != IMPORT):
        return RequiredImport(because=f"{reason}, and the channel's {setting} is ignore")
    return RequiredImport(CANCEL)


def _close(known: Known) -> RequiredImport:
    if known.required == IMPORT and not known.arrived:
        return RequiredImport(CLOSE)
    return RequiredImport(because="the order is fulfilled")


def _change(known: Known, wanted: Wanted, *, updates: bool) -> RequiredImport:
    if wanted.digest == known.digest:
        return RequiredImport(because="the import would be the same as the last one")
    if known.arrived and not updates:
        return RequiredImport(because="the channel's on_update is ignore")
    if wanted.unchanged():
        return RequiredImport(because="nothing that is sent to the warehouse changed")
    return RequiredImport(IMPORT)
