"""The time limit of a whole call: name, connection, handshake, request, last byte of the answer."""

from __future__ import annotations

import time
from dataclasses import dataclass

from orders.outgoing.errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock. One deadline may cover several calls (token, call, repeat)."""

    ends_at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(ends_at=time.monotonic() + seconds, seconds=seconds)

    def remaining(self) -> float:
        """Seconds left, more than zero; raises DeadlineExceeded when there are none."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise self.exceeded()
        return left

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at

    def exceeded(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"No complete answer within {self.seconds:g} s")
