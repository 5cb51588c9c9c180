"""Removing what has run out, in small batches that never touch what is owed."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import AccessToken

BATCH_ROWS = 1_000


def remove_expired() -> int:
    """Delete access tokens an hour past their end; returns how many."""
    old = AccessToken.objects.filter(expires__lt=timezone.now() - timedelta(hours=1)).values_list("pk", flat=True)
    return int(AccessToken.objects.filter(pk__in=list(old[:BATCH_ROWS])).delete()[0])
