"""What of the warehouses needs a person beside stopped channels and dead imports: despatches that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from orderflow.models import DespatchPoll
from orders.integrations.console import Attention
from orders.values.time_text import in_words

PATIENCE_POLLS = 3
"""A site is away at times: so many polls in a row may fail unseen (docs/reference/orderflow.md#despatches)."""


def problems(tenant_id: int | None) -> Iterator[Attention]:
    """None: of all tenants."""
    now = timezone.now()
    failing = DespatchPoll.objects.filter(failing_since__isnull=False).exclude(channel__poll_despatches_seconds=None)
    if tenant_id is not None:
        failing = failing.filter(channel__destination__tenant=tenant_id)
    for poll in failing.select_related("channel__destination__tenant"):
        channel, since = poll.channel, poll.failing_since or now
        if (now - since).total_seconds() < PATIENCE_POLLS * (channel.poll_despatches_seconds or 0):
            continue
        yield Attention(
            f"{channel.destination.tenant.name}: despatches of warehouse {channel} have not been read for "
            f"{in_words(now - since)}: {poll.failure.rstrip('.')}. Correct the channel, or leave its "
            "poll_despatches_seconds empty.",
            reverse("admin:orderflow_orderflowchannel_change", args=(channel.pk,)),
            harm=(now - since).total_seconds() / 3600,
            open_words="Open the channel",
        )
