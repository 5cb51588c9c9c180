"""Work through many dead letters: a row that says what is meant, what came of it so far, and after which id it goes on.

    begin   writes the row; the first seconds of work are done at once, so that a short run is over when its page opens
    work    holds the run under a lease, row by row; each row is a transaction of its own (the services')
    stop    asked for in the row, heeded before the next one; ``resume`` takes the request back

A killed worker's lease runs out and the next sweep goes on after the cursor. A kill between a row and its count leaves
that one row uncounted, never undone and never done twice: it is dead no more.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from orders.database.clock import DatabaseClock
from orders.dead_letters.results import (
    Busy,
    NotDead,
)
from orders.dead_letters.selection import (
    DeadLetterKind,
    Selection,
    ids,
    kind_of,
    loaded,
)
from orders.models import RepairRun
from orders.values.time_text import in_words

LEASE_SECONDS = 30.0
"""Ten times the longest that one row takes: a service waits three seconds for a busy order, then gives it up."""
TURN_SECONDS = 5.0
"""Work between two sweeps; other periodic work waits for it."""
FIRST_SECONDS = 1.0
"""Work done in the request that begins a run: as long as a person waits without wondering."""
LOADED_AT_ONCE = 50

Verb, State = RepairRun.Verb, RepairRun.State
RUN_WORDS = {
    Verb.PREVIEW: "try out",
    Verb.RETRY: "retry what would be taken",
    Verb.SET_ASIDE: "set aside what a newer one has overtaken",
    Verb.DISCARD: "discard",
}
TAKEN = {Verb.RETRY: "would_apply", Verb.SET_ASIDE: "would_supersede"}
"""The preview's outcome that makes a run retry the row; the rest stays as it is."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What a person asks for."""

    verb: str
    selection: Selection
    words: str
    who: str
    reason: str = ""
    expected: int = 0


def begin(asked: Begin) -> RepairRun:
    """Write the run and do its first rows."""
    selection = asked.selection.by(DatabaseClock().now())
    run = RepairRun.objects.create(
        tenant_id=selection.tenant_id, verb=asked.verb, selection=selection.as_json(), words=asked.words[:300],
        who=asked.who, reason=asked.reason, expected=asked.expected,
    )  # fmt: skip
    work(run.pk, seconds=FIRST_SECONDS)
    run.refresh_from_db()
    return run


def work(pk: int, *, seconds: float = TURN_SECONDS) -> None:
    """Go on with the run for a while, unless somebody else does or it is to stop."""
    lease = uuid.uuid4()
    clock = DatabaseClock()
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=clock.now())
    wanted = RepairRun.objects.filter(free, pk=pk, state=State.RUNNING, stop_requested=False)
    if wanted.update(lease=lease, leased_until=clock.now(LEASE_SECONDS)):
        _Turn(RepairRun.objects.get(pk=pk), lease, until=time.monotonic() + seconds).go()


class _Turn:
    """One worker's time with a run."""

    def __init__(self, run: RepairRun, lease: uuid.UUID, *, until: float) -> None:
        self._run, self._lease, self._until = run, lease, until
        self._selection = Selection.from_json(run.selection)
        self._road = kind_of(self._selection.road)
        self._mine = RepairRun.objects.filter(pk=run.pk, lease=lease)

    def go(self) -> None:
        """Rows in the order of their ids, until none is left, time is up, a stop is asked for or the lease is lost."""
        batch: list[uuid.UUID] = []
        for pk in ids(self._selection, after=self._run.cursor):
            batch.append(pk)
            if len(batch) == LOADED_AT_ONCE:
                if not self._do(batch):
                    return
                batch = []
        if self._do(batch):
            self._mine.update(state=State.DONE, finished_at=DatabaseClock().now(), lease=None, leased_until=None)

    def _do(self, batch: list[uuid.UUID]) -> bool:
        """False when the turn is over."""
        for row in loaded(self._selection, batch):
            outcome = _outcome(self._road, row, self._run)
            self._run.counts[outcome] = self._run.counts.get(outcome, 0) + 1
            if not self._kept(row.pk):
                self._let_go()
                return False
        return True

    def _kept(self, cursor: uuid.UUID) -> bool:
        """Note what was done and hold on; False where the run is to rest."""
        until = DatabaseClock.recent().now(LEASE_SECONDS)
        kept = self._mine.filter(stop_requested=False).update(
            cursor=cursor, counts=self._run.counts, leased_until=until
        )
        if not kept:
            self._mine.update(cursor=cursor, counts=self._run.counts)
        return bool(kept) and time.monotonic() < self._until

    def _let_go(self) -> None:
        """To the next turn, or to rest where a stop was asked for."""
        self._mine.filter(stop_requested=True).update(state=State.STOPPED)
        self._mine.update(lease=None, leased_until=None)


def _outcome(road: DeadLetterKind, row: Any, run: RepairRun) -> str:
    """Do what the run is about with one row; how it ended, in one word."""
    noted = {"who": run.who, "reason": run.reason}
    try:
        if run.verb == Verb.DISCARD:
            return str(road.discard(row, **noted).outcome)
        told = str(road.preview(row).outcome)
        return str(road.retry(row, **noted).outcome) if told == TAKEN.get(Verb(run.verb)) else told
    except Busy:
        return "busy"
    except NotDead:
        return "refused"


def stop(run: RepairRun, *, who: str) -> None:
    """Rest before the next row. A run that nobody works on just now rests at once."""
    now = DatabaseClock().now()
    running = RepairRun.objects.filter(pk=run.pk, state=State.RUNNING)
    running.update(stop_requested=True, log=run.noted(who, "stopped", now.isoformat()))
    idle = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    running.filter(idle).update(state=State.STOPPED, lease=None, leased_until=None)


def resume(run: RepairRun, *, who: str) -> None:
    """Go on after the cursor, with the next sweep."""
    stopped = RepairRun.objects.filter(pk=run.pk).exclude(state=State.DONE).filter(stop_requested=True)
    log = run.noted(who, "resumed", DatabaseClock().now().isoformat())
    stopped.update(state=State.RUNNING, stop_requested=False, log=log)


class RepairRuns:
    """Whatever run waits goes on (orders.tasks.periodic_work)."""

    def due(self) -> bool:
        return bool(self._waiting().exists())

    def run(self) -> None:
        for pk in self._waiting().values_list("pk", flat=True)[:10]:
            work(pk)

    @staticmethod
    def _waiting() -> Any:
        free = Q(leased_until__isnull=True) | Q(leased_until__lte=DatabaseClock.recent().now())
        return RepairRun.objects.filter(free, state=State.RUNNING, stop_requested=False).order_by("pk")


def state_in_words(run: RepairRun) -> str:
    """``Working: 1,200 of 5,000 so far.``"""
    of = f"{run.seen:,} of {run.expected:,}" if run.expected else f"{run.seen:,}"
    if run.state == State.DONE and run.finished_at:
        return f"Done in {in_words(run.finished_at - run.began_at)}: {run.seen:,} looked at."
    if run.state == State.STOPPED:
        return f"Stopped after {of}; what was done stays done, the rest waits for you to resume."
    if run.stop_requested:
        return f"Stopping after the row that is being worked on: {of} so far."
    return f"Working: {of} so far."
