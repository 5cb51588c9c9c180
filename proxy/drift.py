"""Contract drift: answers of external services that differ from the contract.

A read only adds to counters in memory; a thread of the process writes them to the database once a second. What a
process had not written when it died is lost: the next answer shows the same drift again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from orders.documents import Mismatch
from orders.documents.pointers import without_places
from orders.telemetry.counted_rows import ROWS_PER_TENANT, CountedRows
from orders.values.storable_text import storable
from proxy.models import ContractDrift

__all__ = ["ROWS_PER_TENANT", "Drift", "note", "write"]


class Drift(NamedTuple):
    tenant_id: int
    pointer: str
    expected: str
    found: str


class _Observations(CountedRows):
    """Drift that is counted and not written yet."""

    name = "contract-drift"
    model = ContractDrift


_observations = _Observations()


def note(tenant_id: int, mismatches: Iterable[Mismatch]) -> None:
    """Count where an answer left the contract. Never touches the database."""
    seen = [_drift(tenant_id, mismatch) for mismatch in mismatches]
    if seen:
        _observations.add(seen)


def write() -> None:
    """Write what this process counted, now."""
    _observations.write()


def _drift(tenant_id: int, mismatch: Mismatch) -> Drift:
    return Drift(
        tenant_id, storable(without_places(mismatch.pointer), 300), mismatch.expected[:300], mismatch.found[:100]
    )
