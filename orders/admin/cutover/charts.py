"""The two charts of the cut-over page, by the hour: match rate of stored orders, and progress of the backfill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from orders.admin.charts import Series, Shape
from orders.admin.home.charts import Chart, Span, Total, digits, plot
from orders.cutover import matches
from orders.cutover.checklist import percent
from orders.cutover.matches import MatchRate
from orders.models import Figure, LedgerHour, Tenant
from orders.monitoring.counters import Period

PERIODS = {
    "day": Period("day", Figure.Step.HOUR, timedelta(days=1)),
    "week": Period("week", Figure.Step.HOUR, timedelta(days=7)),
}


def charts(tenant: Tenant, period: Period, now: datetime) -> list[Chart]:
    span = Span(period, period.starts(now))
    return [_matching(tenant, span), _ledger(tenant, span)]


def _matching(tenant: Tenant, span: Span) -> Chart:
    found = dict(matches.rates_over_time(tenant, hours=len(span.starts)))
    rates = [found.get(start, MatchRate()) for start in span.starts]
    counts = {name: [float(getattr(one, name)) for one in rates] for name in ("compared", "wrong", "stale")}
    shares = [None if one.rate is None else one.rate * 100 for one in rates]
    wrong = Series("wrong", "failed", Shape.BARS, counts["wrong"])
    stale = Series("stale", "in", Shape.BARS, counts["stale"])
    whole = _whole(rates)
    return Chart(
        key="matching",
        title="Stored orders compared with its own system",
        says=f"In {span.words} {whole.compared:,} comparisons: {_rate(whole)} matched, {whole.wrong:,} were wrong.",
        plots=[
            plot(
                span,
                "match rate",
                [Series("match rate", "done", Shape.LINE, shares)],
                _percent,
                least_top=100.0,
                zeros=True,
            ),
            plot(span, "what did not match", [wrong, stale], digits, zeros=True),
        ],
        times=span.edges,
        head=["Time", "match rate", "compared", "wrong", "stale"],
        rows=[
            [span.label(start), _rate(one), *(f"{number:,}" for number in (one.compared, one.wrong, one.stale))]
            for start, one in zip(span.starts, rates, strict=True)
            if one.compared
        ],
        totals_head=["Comparisons", span.words],
        totals=[
            Total("match rate", "done", "line", [_rate(whole)]),
            Total("wrong", "failed", "bars", [f"{whole.wrong:,}"]),
            Total("stale: an event waited or came meanwhile", "in", "bars", [f"{whole.stale:,}"]),
            Total("compared", "", "", [f"{whole.compared:,}"]),
        ],
        empty=f"Nothing was compared in {span.words}. While it migrates every read of a stored order is compared.",
        has_any=bool(whole.compared),
    )


def _whole(rates: Sequence[MatchRate]) -> MatchRate:
    names = ("compared", "matched", "stale", "wrong")
    return MatchRate(*(sum(getattr(one, name) for one in rates) for name in names))


def _rate(found: MatchRate) -> str:
    return "-" if found.rate is None else percent(found.rate)


def _ledger(tenant: Tenant, span: Span) -> Chart:
    rows = LedgerHour.objects.filter(tenant=tenant, starts_at__gte=span.starts[0]).order_by("starts_at")
    hours = {row.starts_at: row for row in rows}
    numbers = {at: (row.known, row.received, row.known - row.received) for at, row in hours.items()}
    last = list(numbers.values())[-1] if numbers else (0, 0, 0)
    lines = [
        Series("known", "in", Shape.AREA, _counts(span, hours, "known")),
        Series("received", "done", Shape.LINE, _counts(span, hours, "received")),
    ]
    return Chart(
        key="ledger",
        title="Orders known and received",
        says=f"By now {last[1]:,} of {last[0]:,} known orders were received.",
        plots=[plot(span, "orders", lines, digits, zeros=True)],
        times=span.edges,
        head=["Time", "known", "received", "missing"],
        rows=[[span.label(at), *(f"{one:,}" for one in counted)] for at, counted in numbers.items()],
        totals_head=["Orders", "now"],
        totals=[
            Total("known", "in", "area", [f"{last[0]:,}"]),
            Total("received", "done", "line", [f"{last[1]:,}"]),
            Total("missing", "", "", [f"{last[2]:,}"]),
        ],
        empty=f"Nothing was counted in {span.words}. While it migrates its orders are counted every few minutes.",
        has_any=bool(numbers),
    )


def _counts(span: Span, hours: Mapping[datetime, LedgerHour], name: str) -> list[float | None]:
    return [float(getattr(hours[start], name)) if start in hours else None for start in span.starts]


def _percent(number: float) -> str:
    return percent(number / 100)
