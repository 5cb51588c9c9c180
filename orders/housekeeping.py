"""Removing what has run out, in small batches that never touch what is owed."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.models import UsedAssertion

BATCH_ROWS = 1_000


def remove_expired() -> int:
    """Delete access tokens an hour past their end and spent assertions that have run out; returns how many."""
    now = timezone.now()
    old = AccessToken.objects.filter(expires__lt=now - timedelta(hours=1)).values_list("pk", flat=True)
    spent = UsedAssertion.objects.filter(expires_at__lt=now).values_list("pk", flat=True)
    removed = AccessToken.objects.filter(pk__in=list(old[:BATCH_ROWS])).delete()[0]
    return int(removed) + int(UsedAssertion.objects.filter(pk__in=list(spent[:BATCH_ROWS])).delete()[0])
