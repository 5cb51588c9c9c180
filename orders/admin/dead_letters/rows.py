"""Content of the dead-letter pages: rows with their previews, counts and labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from orders.admin.dead_letters.verbs import WORDS
from orders.admin.orders.find import pages_of_orders
from orders.dead_letters.causes import EVENTS
from orders.dead_letters.groups import Group
from orders.dead_letters.masked_causes import masked_words
from orders.dead_letters.operations import Busy, NotDead
from orders.dead_letters.selection import Selection, ids, kind_of, loaded
from orders.masking.documents import Masker
from orders.models import OrderEvent, RepairRun
from orders.timeline.happenings import kind_words
from orders.values.order_key import OrderKey

PAGE = 20
"""Rows of one page."""
TRY_SECONDS = 0.04
"""For the previews of one page; on demand all rows of the page are previewed."""
UNTRIED = "not previewed yet"
MOST_GROUPS = 100
NAMED = 3
"""Names listed before the rest is counted."""
KIND_WORDS = {EVENTS: "events", "supplier": "webhooks", "orderflow": "imports"}


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    next: UUID | None
    """After which id the next page begins; None on the last one."""


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """One dead row with the preview of a retry."""

    subject: str
    about: str
    order: str
    order_url: str
    error: str
    died_at: Any
    outcome: str
    words: str
    meaning: str
    detail: str

    @property
    def retry_url(self) -> str:
        return self._verb("retry_one")

    @property
    def discard_url(self) -> str:
        return self._verb("discard_one")

    def _verb(self, name: str) -> str:
        kind, _, pk = self.subject.partition(":")
        model = "orderevent" if kind == "event" else kind
        return reverse(f"admin:orders_{model}_{name}", args=(pk,))


def page(selection: Selection, *, after: UUID | None) -> Page:
    found: list[UUID] = []
    for pk in ids(selection, after=after):
        found.append(pk)
        if len(found) > PAGE:
            break
    return Page(loaded(selection, found[:PAGE]), found[PAGE - 1] if len(found) > PAGE else None)


def lines(
    selection: Selection, rows: Sequence[Any], masker_of: Callable[[OrderKey | None], Masker], *, seconds: float
) -> list[DeadLetterRow]:
    """Preview each row, one after the other, for ``seconds``; the outcome of the rest is UNTRIED."""
    until, found = time.monotonic() + seconds, []
    pages = pages_of_orders([key for key, _ in map(_described, rows) if key])
    for row in rows:
        late = time.monotonic() > until
        outcome, detail = (UNTRIED, "") if late else preview(selection, row)
        found.append(_line(selection, row, outcome, detail, masker_of, pages))
    return found


def _line(
    selection: Selection, row: Any, outcome: str, detail: str, masker_of: Callable[[OrderKey | None], Masker],
    pages: Mapping[OrderKey, str],
) -> DeadLetterRow:  # fmt: skip
    kind = kind_of(selection.kind)
    words, meaning = WORDS.get(outcome, (outcome.replace("_", " "), "plain"))
    key, about = _described(row)
    if outcome == "would_supersede":
        words = f"superseded by {_newer(row)}"
        detail = ""
    if outcome == "would_apply":
        words = "would be applied" if kind.subject == "event" else "would be sent"
        detail = detail.removeprefix("A retry would apply it now.").removeprefix("A retry would send it now.").strip()
    return DeadLetterRow(
        subject=f"{kind.subject}:{row.pk}",
        about=about,
        order=key.customer_order_id if key else "",
        order_url=pages.get(key, "") if key else "",
        error=row.error,
        died_at=row.finished_at,
        outcome=outcome,
        words=words,
        meaning=meaning,
        detail=masker_of(key).text(detail) if detail else "",
    )


def preview(selection: Selection, row: Any) -> tuple[str, str]:
    """(outcome, detail) of a retry now."""
    kind = kind_of(selection.kind)
    if selection.overtaken:
        return "would_supersede", ""
    try:
        result = kind.preview(row)
    except Busy as busy:
        return "busy", f"{busy}."
    except NotDead as refused:
        return "refused", f"{refused}."
    return str(result.outcome), str(result.detail)


def _described(row: Any) -> tuple[OrderKey | None, str]:
    if isinstance(row, OrderEvent):
        return row.queue.key, f"event {row.sequence} of {row.tenant.name}"
    lane = row.lane
    about = f"{kind_words(row.kind)} to {row.destination.name} of {row.destination.tenant.name}"
    return (lane.order_key, about) if lane.customer_order_id else (None, f"{about}: {lane.key}")


def _newer(row: Any) -> str:
    newest = getattr(row, "newest", None)
    return f"event {newest}" if newest else "a later one that was delivered"


def last_preview(selection: Selection) -> RepairRun | None:
    """The newest finished run that tried all of the group."""
    tried = RepairRun.objects.filter(
        verb=RepairRun.Verb.PREVIEW, state=RepairRun.State.DONE, tenant=selection.tenant_id,
        selection__road=selection.kind, selection__cause=selection.cause, selection__order="",
        selection__destination="", selection__since=None,
    )  # fmt: skip
    return tried.order_by("-pk").first()


def selected_words(selection: Selection, found: Group) -> str:
    """Stored with the run, which everybody who may view dead letters reads: without personal values."""
    if selection.overtaken:
        return "dead events that a newer event has overtaken"
    if not selection.cause:
        return all_words(selection.kind)
    return f"{KIND_WORDS.get(selection.kind, selection.kind)}: {masked_words([found])[found.kind, found.cause]}"


def all_words(kind: str) -> str:
    return f"all dead {KIND_WORDS.get(kind, kind)}"


def counted(run: RepairRun) -> list[tuple[int, str, str]]:
    """(rows, words, meaning), the most first."""
    counts = sorted(run.counts.items(), key=lambda one: -one[1])
    return [(count, *WORDS.get(outcome, (outcome.replace("_", " "), "plain"))) for outcome, count in counts]


def steered(run: RepairRun) -> list[tuple[str, str, datetime | None]]:
    """(what, by whom, when) of each stop and resume."""
    return [(one["what"], one["who"], _moment(one["at"])) for one in run.log]


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def named(names: Sequence[str]) -> str:
    """``beans, cups, main and 2 others``"""
    first = list(dict.fromkeys(names))
    rest = len(first) - NAMED
    if rest > 1:
        return f"{', '.join(first[:NAMED])} and {rest} others"
    return " and ".join(filter(None, (", ".join(first[:-1]), first[-1]))) if first else ""
