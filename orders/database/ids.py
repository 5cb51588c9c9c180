"""Ids that grow with time, so that an index on them stays as cheap with a million finished rows as with none."""

from __future__ import annotations

import os
import time
import uuid
from datetime import datetime

WEBHOOK_PREFIX = "msg_"
"""Before the row's id in a ``webhook-id``, as Standard Webhooks recommends."""


def new_id() -> uuid.UUID:
    """A version 7 UUID (RFC 9562, method 3): milliseconds, 12 bits of their fraction (steps of 244 ns), randomness."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    noise = int.from_bytes(os.urandom(8)) >> 2
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | noise)


def earliest_id(moment: datetime) -> uuid.UUID:
    """Below every id made at this moment or later, above every one made a millisecond before it."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def read_id(text: str) -> uuid.UUID | None:
    """The id that a person or a partner wrote; None where it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def webhook_id(row_id: uuid.UUID) -> str:
    """The ``webhook-id`` under which a delivery or an alert goes out."""
    return WEBHOOK_PREFIX + row_id.hex
