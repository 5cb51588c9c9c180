"""What names one lane of the outbox."""

from __future__ import annotations

from typing import NamedTuple


class LaneName(NamedTuple):
    """By which a lane is found; the tenant is the destination's. Sorted as lanes are locked (docs/design/locks.md)."""

    destination_id: int
    key: str
    tenant_id: int
