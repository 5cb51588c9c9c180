"""Remove expired rows in small batches; pending work is never touched."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.cutover import loads, matches
from orders.models import UsedAssertion
from orders.monitoring import counters

BATCH_ROWS = 1_000
"""Rows of a kind per turn: a short transaction, and still more than are created between two turns."""


def remove_expired() -> int:
    """Delete expired access tokens, assertions, sessions, idempotency keys and counters; returns how many rows.

    A token is kept for an hour after it expires.
    """
    now = timezone.now()
    old = AccessToken.objects.filter(expires__lt=now - timedelta(hours=1)).values_list("pk", flat=True)
    spent = UsedAssertion.objects.filter(expires_at__lt=now).values_list("pk", flat=True)
    removed = AccessToken.objects.filter(pk__in=list(old[:BATCH_ROWS])).delete()[0]
    removed += counters.remove_old()
    removed += loads.remove_expired(most=BATCH_ROWS)
    removed += matches.remove_old(most=BATCH_ROWS)
    ended = Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)
    removed += Session.objects.filter(pk__in=list(ended[:BATCH_ROWS])).delete()[0]
    return int(removed) + int(UsedAssertion.objects.filter(pk__in=list(spent[:BATCH_ROWS])).delete()[0])
