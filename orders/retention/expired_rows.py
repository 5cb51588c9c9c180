"""Removing what has run out, in small batches that never touch what is owed."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.cutover import (
    loads,
    matches,
)
from orders.models import UsedAssertion
from orders.monitoring import counters

BATCH_ROWS = 1_000
"""Of a kind at a time: a short transaction, and enough at every turn to keep up with what is made meanwhile."""


def remove_expired() -> int:
    """Delete old access tokens, spent assertions, ended sessions, answered loads and counts that no chart shows.

    Returns how many. A token is kept for an hour past its end.
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
