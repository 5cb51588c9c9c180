"""A lane's place in line: closing it when nothing waits, moving it on when its head is done."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F

from orders.models import Lane


def close_empty(lane_ids: Sequence[int], lease: UUID) -> None:
    """Release leased lanes in which nothing is pending."""
    Lane.objects.filter(pk__in=lane_ids, lease=lease).update(
        lease=None, losses=0, due_at=None, done_position=F("last_position")
    )
