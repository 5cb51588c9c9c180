"""The result of a preview, retry or discard of one dead letter, and why it may be refused.

The same for events (orders.dead_letters.dead_events) and deliveries (orders.dead_letters.dead_deliveries).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass


class NotDead(Exception):
    """Only dead events can be previewed, retried or discarded; this one is {status}."""

    def __init__(self, letters: str, status: str) -> None:
        super().__init__(f"only dead {letters} can be previewed, retried or discarded; this one is {status}")


class Busy(Exception):
    """A worker has leased this order or lane; the message says when to try again."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result (of a preview: the expected result) for one dead letter; ``kind`` is event or delivery."""

    kind: str
    pk: uuid.UUID
    sequence: int
    outcome: str
    superseded_by: uuid.UUID | None = None
    detail: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            f"{self.kind}Id": str(self.pk),
            "sequence": self.sequence,
            "outcome": self.outcome,
            "supersededBy": str(self.superseded_by) if self.superseded_by else None,
            "detail": self.detail,
        }
