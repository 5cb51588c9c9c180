"""Bulk retry: work through many dead letters. One row keeps the selection, the counts so far and the cursor.

    begin   creates the row and works for a second, so that a short run is finished when its page opens
    work    works row by row under a lease; each dead letter has a transaction of its own
    stop    sets a flag that is read before the next dead letter; ``resume`` clears it

When a worker is killed, its lease runs out and the next sweep continues after the cursor. A kill between a dead letter
and its count leaves that one uncounted; it is never done twice, because it is no longer dead.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection
from django.db.models import Q

from orders.database.clock import DatabaseClock
from orders.dead_letters.operations import Busy, NotDead
from orders.dead_letters.selection import DeadLetterKind, Selection, ids, kind_of, loaded
from orders.integrations.periodic import each
from orders.models import RepairRun
from orders.values.time_text import in_words

LEASE_SECONDS = 30.0
"""Ten times the longest that one row takes: the services wait three seconds for a busy order."""
TURN_SECONDS = 5.0
"""Work per sweep; it delays other periodic work."""
FIRST_SECONDS = 1.0
"""Work done in the request that begins a run: a person does not notice this wait."""
LOADED_AT_ONCE = 50

log = structlog.get_logger("orderhub.dead_letters")
Verb, State = RepairRun.Verb, RepairRun.State
RUN_WORDS = {
    Verb.PREVIEW: "try out",
    Verb.RETRY: "retry what would be taken",
    Verb.SET_ASIDE: "set aside what a newer one has overtaken",
    Verb.DISCARD: "discard",
}
RETRIED_IF = {Verb.RETRY: "would_apply", Verb.SET_ASIDE: "would_supersede"}
"""The preview's outcome for which a run retries the row; other rows are left."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What an operator asks for. ``words`` describe the selection; ``expected`` is its count."""

    verb: str
    selection: Selection
    words: str
    who: str
    reason: str = ""
    expected: int = 0


def begin(asked: Begin) -> RepairRun:
    """Create the run and do its first rows."""
    selection = asked.selection.by(DatabaseClock().now())
    run = RepairRun.objects.create(
        tenant_id=selection.tenant_id, verb=asked.verb, selection=selection.as_json(), words=asked.words[:300],
        who=asked.who, reason=asked.reason, expected=asked.expected,
    )  # fmt: skip
    work(run.pk, seconds=FIRST_SECONDS)
    run.refresh_from_db()
    return run


def work(pk: int, *, seconds: float = TURN_SECONDS) -> None:
    """Work on the run for ``seconds``, unless another worker has it or it is to stop."""
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
        self._kind = kind_of(self._selection.kind)
        self._mine = RepairRun.objects.filter(pk=run.pk, lease=lease)

    def go(self) -> None:
        """Do rows in the order of their ids, until none is left, the time is over, or the run is stopped or lost."""
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
        """Do the rows; False when the turn is over."""
        for row in loaded(self._selection, batch):
            outcome = _outcome(self._kind, row, self._run)
            self._run.counts[outcome] = self._run.counts.get(outcome, 0) + 1
            if not self._kept(row.pk):
                self._release()
                return False
        return True

    def _kept(self, cursor: uuid.UUID) -> bool:
        """Store cursor and counts and extend the lease; False when the turn is over."""
        until = DatabaseClock.recent().now(LEASE_SECONDS)
        kept = self._mine.filter(stop_requested=False).update(
            cursor=cursor, counts=self._run.counts, leased_until=until
        )
        if not kept:
            self._mine.update(cursor=cursor, counts=self._run.counts)
        return bool(kept) and time.monotonic() < self._until

    def _release(self) -> None:
        """End the lease; mark the run as stopped if that was asked for."""
        self._mine.filter(stop_requested=True).update(state=State.STOPPED)
        self._mine.update(lease=None, leased_until=None)


def _outcome(kind: DeadLetterKind, row: Any, run: RepairRun) -> str:
    """Do the run's verb with one row; returns the outcome in one word. No row's error keeps the run from the next."""
    noted = {"who": run.who, "reason": run.reason}
    try:
        if run.verb == Verb.DISCARD:
            return str(kind.discard(row, **noted).outcome)
        previewed = str(kind.preview(row).outcome)
        return str(kind.retry(row, **noted).outcome) if previewed == RETRIED_IF.get(Verb(run.verb)) else previewed
    except Busy:
        return "busy"
    except NotDead:
        return "refused"
    except Exception as error:
        if not connection.is_usable():  # the database is away: not this row's fault, the run goes on once it is back
            raise
        log.error("one row of a bulk run failed inside the hub", run=run.pk, row=str(row.pk), exc_info=error)
        return "failed"


def stop(run: RepairRun, *, who: str) -> None:
    """Stop before the next row; at once when no worker has the run."""
    now = DatabaseClock().now()
    running = RepairRun.objects.filter(pk=run.pk, state=State.RUNNING)
    running.update(stop_requested=True, log=run.noted(who, "stopped", now.isoformat()))
    idle = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    running.filter(idle).update(state=State.STOPPED, lease=None, leased_until=None)


def resume(run: RepairRun, *, who: str) -> None:
    """Continue after the cursor with the next sweep."""
    stopped = RepairRun.objects.filter(pk=run.pk).exclude(state=State.DONE).filter(stop_requested=True)
    log = run.noted(who, "resumed", DatabaseClock().now().isoformat())
    stopped.update(state=State.RUNNING, stop_requested=False, log=log)


class BulkRuns:
    """Periodic work: continue unfinished runs (orders.tasks.periodic_work)."""

    def due(self) -> bool:
        return bool(self._waiting().exists())

    def run(self) -> None:
        each(self._waiting().values_list("pk", flat=True)[:10], work)

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
        return f"Stopped after {of}; finished rows stay as they are, resume to do the rest."
    if run.stop_requested:
        return f"Stopping after the present row: {of} so far."
    return f"Working: {of} so far."
