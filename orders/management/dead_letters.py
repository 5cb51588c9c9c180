"""What ``manage.py events`` and ``manage.py deliveries`` have in common: choosing rows, working through them, exits.

Each row is a transaction of its own, so a long run can be stopped at any row and started again: what was retried or
discarded is dead no more, and the same filter finds the rest.

    exit 0   done; a stale retry that ends superseded is done
    exit 1   some were refused: not dead, unknown, or busy just now
    exit 2   wrong use
"""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from orders.access.staff import operator
from orders.database.ids import read_id
from orders.dead_letters.operations import Busy, NotDead
from orders.documents import parse_instant
from orders.management.arguments import FreeOrderCommand
from orders.models import Tenant

WRONG_USE, SOME_REFUSED, INTERRUPTED = 2, 1, 130
"""130 is what a shell reports for a program ended by Ctrl-C."""
CHUNK = 500
"""Rows read at a time; the next are sought after the last id, however long that takes."""
RANDOM_BITS = 80
"""Of an id, below its milliseconds (orders.database.ids)."""
PROGRESS_SECONDS = 2.0
LIST, PREVIEW, RETRY, DISCARD = "list", "preview", "retry", "discard"
DEAD = "dead"


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One line of output. ``sequence`` is None for an id that nobody knows."""

    id: str
    sequence: int | None
    outcome: str
    superseded_by: str | None = None
    detail: str = ""
    refused: bool = False

    def as_json(self, id_name: str) -> dict[str, Any]:
        return {
            id_name: self.id,
            "sequence": self.sequence,
            "outcome": self.outcome,
            "supersededBy": self.superseded_by,
            "detail": self.detail,
        }

    def as_text(self) -> str:
        sequence = "-" if self.sequence is None else str(self.sequence)
        detail = " ".join(self.detail.split()) or "-"
        return "\t".join((self.id, sequence, self.outcome, self.superseded_by or "-", detail))


class DeadLetterCommand(FreeOrderCommand):
    """A subclass names its rows and its services."""

    noun: str
    nouns: str
    id_name: str
    statuses: list[str]
    verbs: Mapping[str, Callable[..., Any]]
    """preview, retry, discard; each returns something with ``as_json``."""
    other_verbs: tuple[str, ...] = ()
    """Verbs that the subclass does itself."""

    def rows(self) -> QuerySet[Any]:
        """All rows, with what a line needs loaded."""
        raise NotImplementedError

    def chosen(self, rows: QuerySet[Any], options: Mapping[str, Any]) -> QuerySet[Any]:
        """Narrowed by the filters other than ids, tenant and status."""
        raise NotImplementedError

    def listed(self, rows: list[Any]) -> Iterator[ListedRow]:
        """How rows are listed."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=[LIST, PREVIEW, RETRY, DISCARD, *self.other_verbs])
        parser.add_argument("ids", nargs="*", metavar=f"{self.noun.upper()}_ID")
        parser.add_argument("--tenant", metavar="T", help="id of the tenant")
        parser.add_argument("--order", metavar="ID", help="customerOrderId")
        parser.add_argument("--status", choices=self.statuses, help="list: any; the other verbs: dead, which they mean")
        parser.add_argument("--since", type=_instant, metavar="TIME", help="such as 2026-11-20T10:00:00Z")
        parser.add_argument("--reason", default="", metavar="TEXT", help="kept with retry and discard")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        self._options = options
        self._done = self._refused = 0
        self._told_at = time.monotonic()
        self._check_use()
        try:
            self._work()
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError(self._stopped(), returncode=INTERRUPTED) from None
        except KeyboardInterrupt:
            raise CommandError(self._stopped(), returncode=INTERRUPTED) from None
        if self._refused:
            raise CommandError(f"{self._refused} of {self._done} refused, see above.", returncode=SOME_REFUSED)

    def _check_use(self) -> None:
        verb, status = self._options["verb"], self._options["status"]
        if verb != LIST and status not in (None, DEAD):
            raise CommandError(f"Only dead {self.nouns} can be worked on; leave --status out.", returncode=WRONG_USE)
        if verb in (RETRY, DISCARD) and not self._options["ids"] and not self._filtered():
            words = f"Name {self.nouns} by id, or choose them by a filter such as --tenant; "
            raise CommandError(f"{words}--status {DEAD} means every dead one.", returncode=WRONG_USE)

    def _filtered(self) -> bool:
        return any(
            self._options.get(name) is not None
            for name in ("tenant", "order", "status", "since", "destination", "overtaken")
        )

    def _work(self) -> None:
        verb = self._options["verb"]
        rows = self._by_filter(self.rows())
        if self._options["ids"]:
            lines = self._of_ids(rows, verb)
        elif verb == LIST:
            lines = (line for chunk in _chunks(rows) for line in self.listed(chunk))
        else:
            lines = (self._apply(row, verb) for chunk in _chunks(rows.filter(status=DEAD)) for row in chunk)
        for line in lines:
            self._write(line)
        if not self._done:
            self.stderr.write(f"No {self.nouns} match." if verb == LIST else f"No dead {self.nouns} match.")

    def _by_filter(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        slug = self._options["tenant"]
        if slug is not None:
            tenant = Tenant.objects.filter(slug=slug).first()
            if tenant is None:
                raise CommandError(f"There is no tenant {slug!r}.", returncode=WRONG_USE)
            rows = rows.filter(tenant=tenant)
        if self._options["status"] and not (self._options["ids"] and self._options["verb"] != LIST):
            rows = rows.filter(status=self._options["status"])
        return self.chosen(rows, self._options)

    def _of_ids(self, rows: QuerySet[Any], verb: str) -> Iterator[ListedRow]:
        """In the order given; other filters must hold too, but for the status, which the service judges."""
        for text in self._options["ids"]:
            pk = read_id(text)
            row = rows.filter(pk=pk).first() if pk else None
            if row is None:
                yield ListedRow(text, None, "unknown", detail=f"there is no such {self.noun} here", refused=True)
            elif verb == LIST:
                yield from self.listed([row])
            else:
                yield self._apply(row, verb)

    def _apply(self, row: Any, verb: str) -> ListedRow:
        noted = {} if verb == PREVIEW else {"who": operator(), "reason": self._options["reason"]}
        try:
            result = self.verbs[verb](row, **noted).as_json()
        except (NotDead, Busy) as refused:
            return ListedRow(str(row.pk), row.sequence, "refused", detail=str(refused), refused=True)
        return ListedRow(
            result[self.id_name], result["sequence"], result["outcome"], result["supersededBy"], result["detail"]
        )

    def _write(self, line: ListedRow) -> None:
        as_json = self._options["json"]
        self.stdout.write(json.dumps(line.as_json(self.id_name)) if as_json else line.as_text())
        self._done += 1
        self._refused += line.refused
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self.stderr.write(f"{self._done} {self.nouns}, {self._refused} refused …")

    def _stopped(self) -> str:
        words = f"Stopped after {self._done} {self.nouns}; those are done."
        if self._options["verb"] not in (RETRY, DISCARD):
            return words
        return f"{words} The same command again goes on with those that are still dead."


def _chunks(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """In order of id, sought after the last one, so that rows which change meanwhile shift nothing.

    Ids grow by the millisecond; within one, an order's rows go by their sequence.
    """
    rows = rows.order_by("pk")
    chunk = list(rows[:CHUNK])
    while chunk:
        yield sorted(chunk, key=lambda row: (row.pk.int >> RANDOM_BITS, row.sequence))
        chunk = list(rows.filter(pk__gt=chunk[-1].pk)[:CHUNK])


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time with zone, such as 2026-11-20T10:00:00Z") from None
