"""Records the row locks that each transaction of this process takes, and what breaks the order of tests/locks/order.py.

A transaction is what stands inside the outermost ``transaction.atomic`` of the hub: the one that wraps a test without
``transaction=True`` does not count, nor do statements that a test writes itself. Statements are seen where psycopg
runs them, so that those of ``orders.database.bulk_sql`` are seen too, in every thread.

A row that the transaction holds already is not locked again. What is not seen: rows that neither the statement's
result nor its parameters name (they are taken for those that are held of their table), locks of foreign keys and
unique indexes, triggers, and other processes.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from tests.locks.order import EXEMPT, Place, name_of, place_of
from tests.locks.rows import is_in_order, rows_of, shared_tables
from tests.locks.statements import MAY_LOCK, Lock, locks_of

ROOT = Path(__file__).resolve().parents[2]
TESTS = str(ROOT / "tests") + os.sep
BENEATH = {str(ROOT / "orders" / "database" / name) for name in ("bulk_sql.py", "prepared.py")}
LIBRARIES = (str(Path(os.__file__).parent) + os.sep, "site-packages", "<")


@dataclass(frozen=True, slots=True)
class Held:
    """Rows that a transaction has locked."""

    lock: Lock
    rows: frozenset[str] | None
    site: str

    @property
    def place(self) -> Place | None:
        return place_of(self.lock)

    def __str__(self) -> str:
        return f"{name_of(self.lock)} ({self.site})"


@dataclass(slots=True)
class _Transaction:
    """Of one connection: how much was held when each open block began, and what is held now."""

    of_test: int = 0
    """Blocks around these that a test has opened; they are no transaction of the hub's."""
    blocks: list[int] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


class Recorder:
    """Installed once per process; ``take`` hands out what was found since."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[Any, _Transaction] = WeakKeyDictionary()
        self._found: list[str] = []
        self._mutex = threading.Lock()

    def take(self) -> list[str]:
        with self._mutex:
            found, self._found = self._found, []
        return list(dict.fromkeys(found))

    def begin(self, connection: Any) -> None:
        one = self._open.setdefault(connection, _Transaction())
        if not one.blocks and _opened_by_test():
            one.of_test += 1
        else:
            one.blocks.append(len(one.held))

    def end(self, connection: Any, *, undone: bool) -> None:
        """What an undone savepoint had locked is free again."""
        one = self._open.get(connection)
        if one is None or not one.blocks:
            if one is not None and one.of_test:
                one.of_test -= 1
            return
        before = one.blocks.pop()
        if undone or not one.blocks:
            del one.held[before if one.blocks else 0 :]

    def ran(self, connection: Any, sql: str, params: Any, cursor: Any) -> None:
        """A statement of an open transaction has run."""
        one = self._open.get(connection)
        if one is None or not one.blocks or not MAY_LOCK.search(sql):
            return
        locks = [lock for lock in locks_of(sql) if lock.table in shared_tables()]
        if not locks or cursor.rowcount == 0 or (site := _site()) is None:
            return
        for lock in locks:
            rows = rows_of(lock, sql, params, cursor.pgresult)
            if not _is_held(one.held, lock, rows):
                new = Held(lock, rows, site)
                self._judge(one.held, new, cursor.rowcount, params)
                one.held.append(new)

    def _judge(self, held: list[Held], new: Held, count: int, params: Any) -> None:
        if not new.lock.waits or new.site.startswith(tuple(EXEMPT)):
            return
        for earlier in _of_others(held, new):
            self._judge_pair(earlier, new)
        ordered = new.lock.ordered or (new.lock.verb == "insert" and is_in_order(new.lock, params))
        if count > 1 and not ordered and new.place and not new.place.alone:
            self._fail(f"several rows of {new} are locked in no order")

    def _judge_pair(self, earlier: Held, new: Held) -> None:
        if earlier.place is None or new.place is None:
            unknown = earlier if earlier.place is None else new
            self._fail(f"{unknown} has no place in the order and is locked together with others: {earlier}, {new}")
        elif earlier.place.number > new.place.number:
            self._fail(f"{new} is locked after {earlier}")
        elif earlier.lock.table == new.lock.table and not new.place.alone:
            self._fail(f"more rows of {new} are locked after those of {earlier}")

    def _fail(self, words: str) -> None:
        with self._mutex:
            self._found.append(words)


def _of_others(held: list[Held], new: Held) -> list[Held]:
    """Without rows that nobody waits for, as their guard is held; for such rows themselves nobody has to wait."""
    tables = {one.lock.table for one in held}
    if new.place and new.place.guard in tables:
        return []
    return [one for one in held if one.place is None or one.place.guard not in tables]


def _is_held(held: list[Held], lock: Lock, rows: frozenset[str] | None) -> bool:
    own = [one.rows for one in held if one.lock.table == lock.table]
    if not own or rows is None or None in own:
        return bool(own)
    return rows <= frozenset().union(*(each for each in own if each is not None))


def _opened_by_test() -> bool:
    """Whether the block stands in a test's own code; a decorated function of the hub does not, whoever calls it."""
    frame = sys._getframe(3)
    while frame is not None:
        file = frame.f_code.co_filename
        if file == contextlib.__file__ and "func" in frame.f_locals:
            return str(frame.f_locals["func"].__code__.co_filename).startswith(TESTS)
        if not any(part in file for part in LIBRARIES):
            return file.startswith(TESTS)
        frame = frame.f_back
    return False


def _site() -> str | None:
    """The line of the hub that wrote the statement; None where a test did."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if not any(part in file for part in LIBRARIES) and file != __file__ and file not in BENEATH:
            return None if file.startswith(TESTS) else f"{file.removeprefix(f'{ROOT}{os.sep}')}:{frame.f_lineno}"
        frame = frame.f_back
    return None


RECORDER = Recorder()


def install() -> None:
    """Watch psycopg's cursors and Django's transactions in this process, from now on."""
    import psycopg
    from django.db import connections
    from django.db.transaction import Atomic

    execute, enter, leave = psycopg.Cursor.execute, Atomic.__enter__, Atomic.__exit__

    def watched_execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        done = execute(self, query, params, **options)
        django = connections["default"]
        if isinstance(query, str) and django.connection is self.connection:
            RECORDER.ran(django, query, params, self)
        return done

    def watched_enter(self: Any) -> None:
        enter(self)
        if not self._from_testcase:
            RECORDER.begin(connections[self.using or "default"])

    def watched_exit(self: Any, kind: Any, value: Any, traceback: Any) -> None:
        try:
            leave(self, kind, value, traceback)
        finally:
            if not self._from_testcase:
                RECORDER.end(connections[self.using or "default"], undone=kind is not None and self.savepoint)

    psycopg.Cursor.execute, Atomic.__enter__, Atomic.__exit__ = watched_execute, watched_enter, watched_exit  # type: ignore[method-assign]
