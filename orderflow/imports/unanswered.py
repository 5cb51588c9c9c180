"""Calls about one order that got no answer: a slow site may still carry them out later.

A killed dispatcher, a cut connection or a deadline ends the hub's waiting, not the site's work. For CALL_SECONDS after
the latest moment at which such a call may have been sent, nothing that it could still change counts as proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from orderflow.site.client import CALL_SECONDS
from orders.integrations.channels import LEASE_MARGIN_SECONDS

SEVERAL = 2
"""More than one: then finding the order does not prove that all of them have arrived."""
UNDER_WAY = datetime.max.replace(tzinfo=UTC)
"""Placeholder for the time at which it is stored."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    imports: int = 0
    """How many, up to SEVERAL, since the warehouse was last proved to hold nothing."""
    import_at: datetime | None = None
    """The latest moment at which one of these imports may have been sent."""
    cancel_at: datetime | None = None
    """The same for cancels."""

    def with_import(self) -> Unanswered:
        return replace(self, imports=min(self.imports + 1, SEVERAL), import_at=UNDER_WAY)

    def with_cancel(self) -> Unanswered:
        return replace(self, cancel_at=UNDER_WAY)

    def without_imports(self) -> Unanswered:
        return replace(self, imports=0, import_at=None)

    def written(self, now: datetime) -> Unanswered:
        return replace(
            self,
            import_at=now if self.import_at == UNDER_WAY else self.import_at,
            cancel_at=now if self.cancel_at == UNDER_WAY else self.cancel_at,
        )

    def after_lost_dispatcher(self, now: datetime) -> Unanswered:
        """After a lost dispatcher: it may have sent them until its lease ended, but not after its whole-call limit."""
        return replace(self, import_at=_latest(self.import_at, now), cancel_at=_latest(self.cancel_at, now))

    def import_arrives_within(self, now: datetime) -> float:
        """Seconds in which an import may still arrive; 0 when none can."""
        return _left(self.import_at, now) if self.imports else 0.0

    def cancel_arrives_within(self, now: datetime) -> float:
        return _left(self.cancel_at, now)


def _latest(began: datetime | None, now: datetime) -> datetime | None:
    return began and min(now, began + timedelta(seconds=CALL_SECONDS + LEASE_MARGIN_SECONDS))


def _left(at: datetime | None, now: datetime) -> float:
    return 0.0 if at is None else max(0.0, CALL_SECONDS - (now - at).total_seconds())
