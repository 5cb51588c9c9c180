"""The three charts of the home page: events, deliveries by destination, reads through. Each also as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from orders.admin.charts import Drawing, Series, Shape, draw
from orders.database.ids import earliest_id
from orders.models import Destination, Figure
from orders.monitoring import counters
from orders.monitoring.counters import DESTINATIONS_DRAWN, OTHERS, Period, Work
from orders.values.time_text import in_milliseconds

Name = Figure.Name
WHEN = {"hour": "%H:%M", "day": "%a %H:%M", "week": "%a %d %b %H:%M"}
FAILURES = {
    "external-timeout": "timed out",
    "external-unavailable": "not reachable or refused",
    "external-contract": "answer breaks the contract",
    "external-busy": "not asked: breaker open, or Retry-After",
    "proxy-not-configured": "no credentials",
}


@dataclass(frozen=True, slots=True)
class Total:
    """The total of one series over the whole period, with the list that it counts."""

    name: str
    css: str
    shape: str
    cells: list[str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """The text shown when the pointer is over one step."""

    left: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Plot:
    name: str
    drawing: Drawing
    top: str
    middle: str
    slots: list[Slot]


@dataclass(frozen=True, slots=True)
class Chart:
    key: str
    title: str
    says: str
    """The chart in one sentence, for screen readers."""
    plots: list[Plot]
    times: list[str]
    head: list[str]
    """Of the table: the first column is the time."""
    rows: list[list[str]]
    """Steps in which nothing happened are left out."""
    totals_head: list[str]
    totals: list[Total]
    empty: str
    """What to do where nothing happened; shown in the place of the plots."""
    has_any: bool


Say = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Span:
    """A period with its steps, in the reader's time zone."""

    period: Period
    starts: list[datetime]

    def label(self, start: datetime) -> str:
        return timezone.localtime(start).strftime(WHEN[self.period.word])

    @property
    def edges(self) -> list[str]:
        return [self.label(self.starts[0]), self.label(self.starts[len(self.starts) // 2]), "now"]

    @property
    def words(self) -> str:
        return f"the last {self.period.word}"


def charts(period: Period, tenant_id: int | None, now: datetime) -> list[Chart]:
    """Three queries for the figures and one for the destinations' names, whatever there is."""
    span = Span(period, period.starts(now))
    steps = counters.events_and_reads(period, tenant_id, now)
    return [_events(span, steps), _deliveries(span, tenant_id, now), _reads(span, steps)]


def _events(span: Span, steps: Mapping[datetime, Work]) -> Chart:
    page, since = reverse("admin:orders_orderevent_changelist"), str(earliest_id(span.starts[0]))
    kinds = (
        (Name.RECEIVED, "received", "in", Shape.AREA, {"id__gte": since}),
        (Name.APPLIED, "applied", "done", Shape.LINE, {"id__gte": since, "status": "applied"}),
        (Name.DEAD_EVENT, "dead", "failed", Shape.BARS, {"id__gte": since, "status": "dead"}),
    )
    total = counters.whole(steps.values()).counts
    series = [Series(word, css, shape, _counts(span, steps, name)) for name, word, css, shape, _ in kinds]
    return Chart(
        key="events",
        title="Events",
        says=f"In {span.words} {digits(total[Name.RECEIVED])} events were received, {digits(total[Name.APPLIED])} "
        f"applied, {digits(total[Name.DEAD_EVENT])} failed for good.",
        plots=[plot(span, "events", series, digits)],
        times=span.edges,
        head=["Time", *(one.name for one in series)],
        rows=_rows(span, [(one, digits) for one in series]),
        totals_head=["Events", span.words],
        totals=[
            Total(word, css, shape.value, [digits(total[name])], f"{page}?{urlencode(query)}")
            for name, word, css, shape, query in kinds
        ],
        empty=f"No event came in {span.words}. A tenant's system sends them to the API; its onboarding page has a curl "
        "line that sends a sample order.",
        has_any=any(total[kind[0]] for kind in kinds),
    )


def _deliveries(span: Span, tenant_id: int | None, now: datetime) -> Chart:
    totals = counters.by_destination(span.period, tenant_id, now)
    busiest = sorted(totals, key=lambda pk: (-_tries(totals[pk]), pk))
    drawn = busiest[:DESTINATIONS_DRAWN]
    works = {pk: totals[pk] for pk in drawn}
    if len(busiest) > len(drawn):
        works[OTHERS] = counters.whole(totals[pk] for pk in busiest[DESTINATIONS_DRAWN:])
    steps = counters.deliveries(span.period, tenant_id, now, drawn=drawn)
    names = {
        one.pk: _called(one, tenant_id) for one in Destination.objects.filter(pk__in=drawn).select_related("tenant")
    }
    names[OTHERS] = f"{len(busiest) - len(drawn)} others"
    lines = [_ChartRow(pk, names.get(pk, "one since removed"), f"d{place}") for place, pk in enumerate(works, 1)]
    series = [Series(line.name, line.css, Shape.BARS, _delivered(span, steps, line.pk)) for line in lines]
    failed = [counters.whole(steps.get(start, {}).values()).counts[Name.FAILED_TRY] for start in span.starts]
    series.append(Series("failed tries", "failed", Shape.LINE, [float(count) or None for count in failed]))
    delivered = sum(work.counts[Name.DELIVERED] for work in totals.values())
    return Chart(
        key="deliveries",
        title="Deliveries by destination",
        says=f"In {span.words} {digits(delivered)} deliveries were accepted by {len(totals)} "
        f"destination{'' if len(totals) == 1 else 's'}; {digits(sum(failed))} tries failed.",
        plots=[plot(span, "deliveries", series, digits)],
        times=span.edges,
        head=["Time", *(one.name for one in series)],
        rows=_rows(span, [(one, digits) for one in series]),
        totals_head=["Destination", "accepted", "failed", "dead", "p95"],
        totals=[_destination_total(line, works[line.pk]) for line in lines],
        empty=f"Nothing was sent in {span.words}. A delivery is made when an order has items of a supplier or of a "
        "warehouse.",
        has_any=bool(totals),
    )


def _reads(span: Span, steps: Mapping[datetime, Work]) -> Chart:
    total = counters.whole(steps.values())
    lengths = [
        Series("p50", "p50", Shape.LINE, _shares(span, steps, 0.5)),
        Series("p95", "p95", Shape.LINE, _shares(span, steps, 0.95)),
    ]
    counts = [
        Series("reads", "in", Shape.AREA, _counts(span, steps, Name.READ)),
        Series("failed", "failed", Shape.BARS, _counts(span, steps, Name.READ_FAILED)),
    ]
    slowest = in_milliseconds(total.lengths.at(0.95))
    return Chart(
        key="reads",
        title="Orders read through",
        says=f"In {span.words} {digits(total.counts[Name.READ])} orders were read through, p95 {slowest}; "
        f"{digits(total.counts[Name.READ_FAILED])} reads failed.",
        plots=[
            plot(span, "how long reads took", lengths, in_milliseconds, least_top=100.0),
            plot(span, "reads and failures", counts, digits),
        ],
        times=span.edges,
        head=["Time", *(one.name for one in (*lengths, *counts))],
        rows=_rows(span, [(one, in_milliseconds) for one in lengths] + [(one, digits) for one in counts]),
        totals_head=["Reads", span.words],
        totals=_read_totals(total),
        empty=f"No order was read through in {span.words}. Only tenants in proxy mode or migrating have their orders "
        "read from their own system.",
        has_any=bool(total.counts[Name.READ]),
    )


def _read_totals(total: Work) -> list[Total]:
    page = reverse("admin:orders_timelineentry_changelist") + "?road=proxy"
    return [
        Total("p50", "p50", "line", [in_milliseconds(total.lengths.at(0.5))]),
        Total("p95", "p95", "line", [in_milliseconds(total.lengths.at(0.95))]),
        Total("reads", "in", "area", [digits(total.counts[Name.READ])]),
        Total("failed", "failed", "bars", [digits(total.counts[Name.READ_FAILED])], page),
        *(
            Total(FAILURES.get(kind, kind), "", "", [digits(count)], page)
            for kind, count in total.failures.most_common()
        ),
    ]


@dataclass(frozen=True, slots=True)
class _ChartRow:
    """A destination, or all that have no colour of their own, as it is drawn."""

    pk: int
    name: str
    css: str


def _called(one: Destination, tenant_id: int | None) -> str:
    """With its tenant for a login that sees several."""
    return f"{one.tenant.slug}/{one.name}" if tenant_id is None else one.name


def _destination_total(line: _ChartRow, work: Work) -> Total:
    page = reverse("admin:orders_delivery_changelist")
    numbers = [work.counts[name] for name in (Name.DELIVERED, Name.FAILED_TRY, Name.DEAD_DELIVERY)]
    cells = [*map(digits, numbers), in_milliseconds(work.lengths.at(0.95))]
    return Total(line.name, line.css, "bars", cells, f"{page}?destination__id__exact={line.pk}" if line.pk else page)


def _tries(work: Work) -> int:
    return work.counts[Name.DELIVERED] + work.counts[Name.FAILED_TRY]


def _counts(span: Span, steps: Mapping[datetime, Work], name: str) -> list[float | None]:
    return [float(steps[start].counts[name]) if start in steps else 0.0 for start in span.starts]


def _shares(span: Span, steps: Mapping[datetime, Work], share: float) -> list[float | None]:
    """None where there was no read: 0 would look like a fast one."""
    return [steps[start].lengths.at(share) if start in steps else None for start in span.starts]


def _delivered(span: Span, steps: Mapping[datetime, Mapping[int, Work]], pk: int) -> list[float | None]:
    works = [steps.get(start, {}).get(pk) for start in span.starts]
    return [float(work.counts[Name.DELIVERED]) if work else 0.0 for work in works]


def plot(
    span: Span, name: str, series: Sequence[Series], say: Say, *, least_top: float = 4.0, zeros: bool = False
) -> Plot:
    """``zeros``: also what is nothing is said of a step."""
    drawing = draw(series, least_top=least_top)
    slots = [
        Slot(left, width, f"{span.label(start)}: {_said(series, step, say, zeros=zeros)}")
        for step, ((left, width), start) in enumerate(zip(drawing.slots, span.starts, strict=True))
    ]
    return Plot(name, drawing, say(drawing.top), say(drawing.top / 2), slots)


def _said(series: Sequence[Series], step: int, say: Say, *, zeros: bool) -> str:
    known = [(one.name, one.values[step]) for one in series]
    told = [f"{name} {say(value)}" for name, value in known if value is not None and (value or zeros)]
    return ", ".join(told) or "nothing"


def _rows(span: Span, columns: Sequence[tuple[Series, Say]]) -> list[list[str]]:
    return [
        [span.label(start), *(_cell(one.values[step], say) for one, say in columns)]
        for step, start in enumerate(span.starts)
        if any(one.values[step] for one, _ in columns)
    ]


def _cell(value: float | None, say: Say) -> str:
    return "-" if value is None else say(value)


def digits(value: float) -> str:
    return f"{value:,.0f}"
