"""Whether a tenant may be cut over: a few checks, each with its figure and the next step.

A person may override some of them: an order in the ledger may have been deleted since, a known difference may lower the
match rate, an unknown member may be one that nobody needs. Dead and pending events cannot be overridden: readers would
certainly get an old state, and the remedy is available.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Min

from orders.cutover import matches
from orders.cutover.progress import Progress, progress
from orders.cutover.requirements import CutOverRule, rule_of
from orders.cutover.unknowns import unknown_members, unknown_words
from orders.database.clock import DatabaseClock
from orders.models import OrderEvent, Tenant
from orders.values.time_text import in_words


class Key(StrEnum):
    LEDGER = "ledger"
    MATCH = "match-rate"
    DEAD = "dead-events"
    WAITING = "waiting"
    MEMBERS = "unknown-members"
    WORDS = "unknown-words"


OVERRIDABLE = (Key.LEDGER, Key.MATCH, Key.MEMBERS, Key.WORDS)
NAMED_MOST = 5
"""Names in a figure; the page that the line leads to has them all."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    key: Key
    what: str
    ok: bool
    figure: str
    next: str
    """What to do; empty when ok."""
    overridable: bool = False

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'NOT YET'}  {self.what}: {self.figure}"


@dataclass(frozen=True, slots=True)
class Checklist:
    rule: CutOverRule
    progress: Progress
    lines: Sequence[ChecklistItem]

    @property
    def ok(self) -> bool:
        return all(line.ok for line in self.lines)

    @property
    def open(self) -> list[ChecklistItem]:
        return [line for line in self.lines if not line.ok]


def checklist(tenant: Tenant) -> Checklist:
    """Evaluate now: counts over the tenant's ledger and events, a second or two at a million orders."""
    rule, seen = rule_of(tenant), progress(tenant.pk)
    lines = [_ledger(seen), _match(tenant, rule), _dead(tenant), _waiting(tenant, rule)]
    lines += [_members(tenant, rule), _words(tenant, rule)]
    return Checklist(rule, seen, lines)


def _ledger(seen: Progress) -> ChecklistItem:
    ok, what = bool(seen.known) and not seen.missing, "Every order that its own system has was received"
    if not seen.known:
        todo = "Upload a list of its orders, or let the tenant name them over the API; reads and searches add to it."
        return ChecklistItem(Key.LEDGER, what, ok, "no order is known yet", todo)
    figure = f"{seen.received:,} of {seen.known:,}" + (f"; {seen.missing:,} missing" if seen.missing else "")
    todo = "Download the missing orders and let the tenant send them (manage.py events load, or PUT)."
    return ChecklistItem(Key.LEDGER, what, ok, figure, "" if ok else todo, overridable=True)


def _match(tenant: Tenant, rule: CutOverRule) -> ChecklistItem:
    since = DatabaseClock().now() - timedelta(hours=rule.hours)
    found = matches.match_rate(tenant, since=since)
    what = f"Stored orders match in {rule.match_percent:g} % of comparisons, last {rule.hours} h"
    enough = found.compared >= rule.comparisons
    ok = enough and found.rate is not None and found.rate * 100 >= rule.match_percent
    rate = "nothing compared" if found.rate is None else f"{percent(found.rate)} of {found.compared:,} comparisons"
    figure = rate + (f"; {found.wrong:,} wrong" if found.wrong else "")
    todo = (
        f"Wait: {rule.comparisons:,} comparisons are wanted. Reads are compared, and so many orders a minute by "
        "themselves as the tenant's settings say."
        if not enough
        else "Look at the differences: let the tenant send wrong orders again, ignore members that may differ."
    )
    return ChecklistItem(Key.MATCH, what, ok, figure, "" if ok else todo, overridable=True)


def _dead(tenant: Tenant) -> ChecklistItem:
    count = OrderEvent.objects.dead().filter(tenant=tenant).count()
    figure = f"{count:,} dead" if count else "none"
    todo = "Open the dead letters: retry or discard each, with a reason."
    return ChecklistItem(Key.DEAD, "No event failed for good", not count, figure, todo if count else "")


def _waiting(tenant: Tenant, rule: CutOverRule) -> ChecklistItem:
    what = f"No event is pending for longer than {in_words(rule.waiting_seconds)}"
    waiting = OrderEvent.objects.pending().filter(tenant=tenant, queue__tenant=tenant)
    oldest = waiting.aggregate(oldest=Min("received_at"))["oldest"]
    if oldest is None:
        return ChecklistItem(Key.WAITING, what, True, "none is pending", "")
    age = (DatabaseClock().now() - oldest).total_seconds()
    ok = age <= rule.waiting_seconds
    todo = "Wait until a load is applied; the page of an event that fails again and again says why."
    return ChecklistItem(Key.WAITING, what, ok, f"the oldest since {in_words(age)}", "" if ok else todo)


def _members(tenant: Tenant, rule: CutOverRule) -> ChecklistItem:
    names = unknown_members(tenant, since=_since(rule))
    todo = "They are left out of stored orders. Tell the tenant, and let what is needed be sent as a known member."
    return _unknown(Key.MEMBERS, f"Orders have no unknown members, last {rule.hours} h", names, todo)


def _words(tenant: Tenant, rule: CutOverRule) -> ChecklistItem:
    names = unknown_words(tenant, since=_since(rule))
    todo = "They neither cancel nor end an order. Put each into the tenant's status_map, also one that is to stay."
    return _unknown(Key.WORDS, f"Every status word is known or in the status_map, last {rule.hours} h", names, todo)


def _unknown(key: Key, what: str, names: Sequence[str], todo: str) -> ChecklistItem:
    if not names:
        return ChecklistItem(key, what, True, "none", "")
    more = f" and {len(names) - NAMED_MOST:,} more" if len(names) > NAMED_MOST else ""
    return ChecklistItem(key, what, False, ", ".join(names[:NAMED_MOST]) + more, todo, overridable=True)


def _since(rule: CutOverRule) -> datetime:
    return DatabaseClock().now() - timedelta(hours=rule.hours)


def percent(share: float) -> str:
    """``99.9 %``; rounded down, so that 99.96 % is never shown as 100 %."""
    return f"{int(share * 1_000) / 10:g} %" if share < 1 else "100 %"
