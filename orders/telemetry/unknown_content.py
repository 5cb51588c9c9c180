"""Unknown members and status words of a tenant's orders, counted for the people who map them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from orders.documents.pointers import without_places
from orders.models import UnknownContent
from orders.telemetry.counted_rows import CountedRows
from orders.values.storable_text import storable

NAME_LENGTH = 300
"""Of the column."""


class _Unknown(NamedTuple):
    tenant_id: int
    kind: str
    name: str


class _Observations(CountedRows):
    name = "unknown-content"
    model = UnknownContent


_observations = _Observations()


def note(tenant_id: int, *, members: Iterable[str] = (), word: str = "") -> None:
    """Count unknown members, by their pointers, and an unknown status word. Never touches the database."""
    kinds = UnknownContent.Kind
    seen = [_Unknown(tenant_id, kinds.MEMBER, storable(without_places(one), NAME_LENGTH)) for one in members]
    if word:
        seen.append(_Unknown(tenant_id, kinds.STATUS, storable(word, NAME_LENGTH)))
    if seen:
        _observations.add(dict.fromkeys(seen))


def write() -> None:
    """Write what this process counted, now."""
    _observations.write()
