"""The page of a destination: its charts, its last attempts, and the actions of its integration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from orders.admin.charts import Series, Shape
from orders.admin.home.charts import Chart, Span, Total, digits, plot
from orders.integrations import integrations
from orders.integrations.console import DestinationAction
from orders.masking.documents import PLAIN, Masker, sees_personal_data
from orders.masking.known_values import Maskers
from orders.models import Delivery, DeliveryAttempt, Destination, Figure
from orders.monitoring import counters
from orders.monitoring.counters import PERIODS, Period, Work
from orders.timeline.happenings import kind_words
from orders.values.time_text import in_words

LAST_DELIVERIES = 40
"""The newest deliveries of the destination whose attempts are read."""
LAST_TRIES = 15
Name = Figure.Name


@dataclass(frozen=True, slots=True)
class Try:
    """One request to the partner, in words."""

    at: datetime
    what: str
    subject: str
    took: str
    verdict: str
    meaning: str
    detail: str


MEANINGS = {"delivered": "ok", "unavailable": "waiting", "rejected": "attention", "misconfigured": "stopped"}


def buttons(destination: Destination) -> list[DestinationAction]:
    """The actions that its integration offers for the destination."""
    return [button for one in integrations() for button in one.destination_actions(destination)]


def last_tries(request: HttpRequest, destination: Destination) -> list[Try]:
    """Newest first."""
    newest = Delivery.objects.filter(destination=destination).order_by("-pk").values("pk")[:LAST_DELIVERIES]
    tried = DeliveryAttempt.objects.filter(delivery__in=[row["pk"] for row in newest])
    attempts = tried.select_related("delivery__lane").defer("delivery__payload", "response_cut")
    last = list(attempts.order_by("-started_at")[:LAST_TRIES])
    if sees_personal_data(request):
        return [_try(one, PLAIN) for one in last]
    keys = [one.delivery.lane.order_key if one.delivery.lane.customer_order_id else None for one in last]
    maskers = Maskers(keys)
    return [_try(one, maskers.of(key)) for one, key in zip(last, keys, strict=True)]


def _try(one: DeliveryAttempt, masker: Masker) -> Try:
    lane = one.delivery.lane
    status = f", answered {one.response_status}" if one.response_status else ""
    return Try(
        at=one.started_at,
        what=f"{kind_words(one.delivery.kind)} of {lane.customer_order_id or lane.key.replace(':', ' ', 1)}",
        subject=f"delivery:{one.delivery_id}",
        took=in_words(one.duration_ms / 1000),
        verdict=f"{one.verdict}{status}",
        meaning=MEANINGS.get(one.verdict, "plain"),
        detail=masker.text(one.detail),
    )


def charts(destination: Destination, now: datetime | None = None) -> list[Chart]:
    """Deliveries there in the last hour and day."""
    at = now or timezone.now()
    return [_chart(destination, PERIODS[name], at) for name in ("hour", "day")]


def _chart(destination: Destination, period: Period, now: datetime) -> Chart:
    span = Span(period, period.starts(now))
    steps = counters.deliveries(period, destination.tenant_id, now, drawn=[destination.pk])
    whole = counters.by_destination(period, destination.tenant_id, now).get(destination.pk, Work())
    counts = [steps.get(start, {}).get(destination.pk, Work()).counts for start in span.starts]
    accepted = Series("accepted", "done", Shape.BARS, [float(one[Name.DELIVERED]) for one in counts])
    failed = Series("failed tries", "failed", Shape.LINE, [float(one[Name.FAILED_TRY]) for one in counts])
    series = (accepted, failed)
    numbers = [whole.counts[name] for name in (Name.DELIVERED, Name.FAILED_TRY, Name.DEAD_DELIVERY)]
    return Chart(
        key=f"sent-{period.word}",
        title=f"The last {period.word}",
        says=f"{numbers[0]:,} accepted, {numbers[1]:,} tries failed, {numbers[2]:,} failed for good.",
        plots=[plot(span, "deliveries", series, digits, zeros=True)],
        times=span.edges,
        head=["Time", "accepted", "failed tries"],
        rows=[
            [span.label(start), f"{one[Name.DELIVERED]:,}", f"{one[Name.FAILED_TRY]:,}"]
            for start, one in zip(span.starts, counts, strict=True)
            if one
        ],
        totals_head=["What", f"the last {period.word}"],
        totals=_totals(whole, numbers),
        empty=f"Nothing was sent there in the last {period.word}.",
        has_any=any(numbers),
    )


def _totals(whole: Work, numbers: Sequence[int]) -> list[Total]:
    p50, p95 = whole.lengths.at(0.5), whole.lengths.at(0.95)
    return [
        Total("accepted", "done", "bars", [f"{numbers[0]:,}"]),
        Total("failed tries", "failed", "line", [f"{numbers[1]:,}"]),
        Total("failed for good", "", "", [f"{numbers[2]:,}"]),
        Total("p50", "", "", ["-" if p50 is None else in_words(p50 / 1000)]),
        Total("p95", "", "", ["-" if p95 is None else in_words(p95 / 1000)]),
    ]


def shown(request: HttpRequest, destination: Any, verbs: Sequence[DestinationAction]) -> dict[str, Any]:
    """The template context; ``verbs`` are the buttons pause, resume and probe."""
    return {
        "verbs": verbs,
        "others": buttons(destination),
        "tries": last_tries(request, destination),
        "charts": charts(destination),
    }
