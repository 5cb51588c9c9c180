"""A selection of dead rows for a list, a preview or a bulk run, and the services that work on them.

Its kind is ``events`` or the name of a delivery channel. A dead event that a newer one has overtaken needs no action:
it is selected separately (``overtaken``) and belongs to no cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet

from orders.dead_letters import dead_deliveries, dead_events
from orders.dead_letters.causes import EVENTS, cause_of
from orders.integrations import channels
from orders.models import Delivery, Destination, Order, OrderEvent

CHUNK = 500
"""Rows read at a time to find those of one cause: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead rows of one kind; None and empty mean any."""

    kind: str
    cause: str = ""
    tenant_id: int | None = None
    overtaken: bool = False
    until: datetime | None = None
    """Only rows dead by then, so that a run does not repeat a row that it retried and that died again."""
    since: datetime | None = None
    order: str = ""
    destination: str = ""

    def as_json(self) -> dict[str, Any]:
        times = {name: moment and moment.isoformat() for name, moment in (("until", self.until), ("since", self.since))}
        stored = asdict(self) | times
        return {"road": stored.pop("kind"), **stored}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Selection:
        times = {name: stored[name] and datetime.fromisoformat(stored[name]) for name in ("until", "since")}
        given = stored | times
        return cls(kind=given.pop("road"), **given)

    def by(self, moment: datetime) -> Selection:
        return replace(self, until=moment)


@dataclass(frozen=True, slots=True)
class DeadLetterKind:
    """A model of dead rows and its services."""

    subject: str
    model: Any
    rows: Callable[[], QuerySet[Any]]
    preview: Callable[..., Any]
    retry: Callable[..., Any]
    discard: Callable[..., Any]
    received: str
    order_id: str


def overtaken() -> Exists:
    """A condition on dead events: a later event of the order was applied, so a retry only supersedes this one."""
    return Exists(Order.objects.filter(pk=OuterRef("queue"), applied_sequence__gt=OuterRef("sequence")))


def kinds() -> list[str]:
    return [EVENTS, *channels()]


def kind_of(name: str) -> DeadLetterKind:
    """Raises KeyError for an unknown name."""
    if name not in kinds():
        raise KeyError(name)
    return _EVENTS if name == EVENTS else _DELIVERIES


def dead_rows(selection: Selection) -> QuerySet[Any]:
    """The selected rows of any cause, unordered, without payloads."""
    kind = kind_of(selection.kind)
    rows: QuerySet[Any] = kind.model.objects.dead()
    if selection.kind == EVENTS:
        rows = rows.filter(overtaken() if selection.overtaken else ~overtaken())
    else:
        channel = Destination.objects.filter(channel=selection.kind).values_list("pk", flat=True)
        rows = rows.filter(destination__in=list(channel))
    wanted = {
        "tenant": selection.tenant_id,
        "finished_at__lte": selection.until,
        f"{kind.received}__gte": selection.since,
        kind.order_id: selection.order or None,
        "destination__name": selection.destination or None,
    }
    chosen: QuerySet[Any] = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return chosen


def ids(selection: Selection, *, after: UUID | None = None) -> Iterator[UUID]:
    """The ids of the selected rows after ``after``, sorted, read chunk by chunk."""
    rows = dead_rows(selection).order_by("pk").values_list("pk", "error")
    while True:
        chunk = list((rows if after is None else rows.filter(pk__gt=after))[:CHUNK])
        for pk, error in chunk:
            if not selection.cause or cause_of(error) == selection.cause:
                yield pk
        if len(chunk) < CHUNK:
            return
        after = chunk[-1][0]


def loaded(selection: Selection, wanted: list[UUID]) -> list[Any]:
    """The rows with what a list shows of them; one that is no longer dead is left out."""
    kind = kind_of(selection.kind)
    found = kind.rows().filter(pk__in=wanted).in_bulk()
    return [found[pk] for pk in wanted if pk in found]


def _events() -> QuerySet[Any]:
    rows: QuerySet[Any] = OrderEvent.objects.dead().select_related("queue", "tenant").defer("payload")
    rows = rows.annotate(newest=F("queue__order__applied_sequence"))
    return rows  # noqa: RET504  # mypy takes the annotated rows for Any


def _deliveries() -> QuerySet[Any]:
    rows: QuerySet[Any] = Delivery.objects.dead().select_related("lane", "destination__tenant").defer("payload")
    return rows


_EVENTS = DeadLetterKind(
    "event", OrderEvent, _events, dead_events.preview, dead_events.retry, dead_events.discard,
    "received_at", "queue__customer_order_id",
)  # fmt: skip
_DELIVERIES = DeadLetterKind(
    "delivery", Delivery, _deliveries, dead_deliveries.preview, dead_deliveries.retry, dead_deliveries.discard,
    "created_at", "lane__customer_order_id",
)  # fmt: skip
