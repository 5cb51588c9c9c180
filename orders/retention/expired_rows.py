"""Remove expired rows in small batches; pending work is never touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.cutover import loads, matches
from orders.integrations.periodic import each
from orders.models import UsedAssertion
from orders.monitoring import counters

BATCH_ROWS = 1_000
"""Rows of a kind per turn: a short transaction, and still more than are created between two turns."""


def remove_expired() -> int:
    """Delete expired access tokens, assertions, sessions, idempotency keys and counters; returns how many rows.

    A token is kept for an hour after it expires.
    """
    now = timezone.now()
    expired: dict[str, Callable[[], int]] = {
        "tokens": lambda: _remove(AccessToken.objects.filter(expires__lt=now - timedelta(hours=1))),
        "counters": counters.remove_old,
        "loads": lambda: loads.remove_expired(most=BATCH_ROWS),
        "matches": lambda: matches.remove_old(most=BATCH_ROWS),
        "sessions": lambda: _remove(Session.objects.filter(expire_date__lt=now)),
        "assertions": lambda: _remove(UsedAssertion.objects.filter(expires_at__lt=now)),
    }

    def remove(kind: str) -> int:
        return expired[kind]()

    return sum(removed for _, removed in each(expired, remove))


def _remove(rows: QuerySet[Any]) -> int:
    ids = list(rows.values_list("pk", flat=True)[:BATCH_ROWS])
    return int(rows.model._default_manager.filter(pk__in=ids).delete()[0])
