"""Rewrite personal data in columns of rows, or only count the rows concerned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import QuerySet

from orders.masking.documents import ERASED, Masker, PersonalValue, erased_json, is_json

Change = Callable[[str], str]
ROWS = 500
"""Rows read at a time and written in one transaction: some tens of milliseconds, so that workers are not delayed."""
WRITTEN = 100
"""Rows of one statement, below the parameters that SQLite takes."""


class Step(NamedTuple):
    """``changed`` of ``read`` rows."""

    kind: str
    changed: int
    read: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """How the texts of one order are erased. ``write`` False: rows are counted and left unchanged."""

    values: frozenset[PersonalValue]
    write: bool

    def text(self) -> Change:
        """Free text, by value."""
        return Masker(self.values, word=ERASED).known

    def body(self) -> Change:
        """A partner's body: by its members, and by value."""
        known = self.text()
        return lambda text: known(erased_json(text))

    def payload(self) -> Change:
        """Our own: by its members where it is JSON, else by value."""
        known = self.text()
        return lambda text: erased_json(text) if is_json(text) else known(text)

    def rewrite(self, kind: str, rows: QuerySet[Any], changes: Mapping[str, Change]) -> Iterator[Step]:
        """Rewrite in steps of at most ROWS rows by primary key; each step is complete, so it may be the last one."""
        after = None
        while True:
            page = rows if after is None else rows.filter(pk__gt=after)
            read = list(page.order_by("pk").only("pk", *changes)[:ROWS])
            yield Step(kind, self._written(read, changes), len(read))
            if len(read) < ROWS:
                return
            after = read[-1].pk

    def _written(self, read: list[Any], changes: Mapping[str, Change]) -> int:
        different = [row for row in read if _changed(row, changes)]
        if self.write and different:
            type(different[0])._default_manager.bulk_update(different, list(changes), batch_size=WRITTEN)
        return len(different)


def _changed(row: Any, changes: Mapping[str, Change]) -> bool:
    different = False
    for column, change in changes.items():
        before = getattr(row, column)
        if before and (after := change(before)) != before:
            setattr(row, column, after)
            different = True
    return different
