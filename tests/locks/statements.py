"""Which row locks a statement takes, read from its text: the SQL that the hub and Django write, not all of SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

MAY_LOCK = re.compile(r"\b(?:UPDATE|DELETE|CONFLICT|SHARE|pg_advisory\w*)\b", re.IGNORECASE)
_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | '(?:[^']|'')*' | "(?:[^"]|"")+" | %\(\w+\)s | %[sbt] | \$\d+ | \w+ | [^\s]""",
    re.VERBOSE | re.DOTALL,
)
_NOT_A_STATEMENT = {"FOR", "KEY", "DO", "ON", "OR", "AFTER", "BEFORE"}
"""Before UPDATE: FOR UPDATE, FOR NO KEY UPDATE, DO UPDATE, and what belongs to triggers and foreign keys."""
_END_OF_FROM = {"WHERE", "GROUP", "ORDER", "LIMIT", "FOR", "RETURNING", "UNION"}


@dataclass(frozen=True, slots=True)
class Lock:
    """One table whose rows a statement locks."""

    table: str
    verb: str
    """select, update, delete, insert or advisory."""
    waits: bool = True
    """False with SKIP LOCKED or NOWAIT."""
    ordered: bool = False
    """There is an ORDER BY beside it."""
    unleased: bool = False
    """Only rows whose lease is NULL, or has run out, are asked for."""
    columns: tuple[str, ...] = ()
    """Of an insert."""
    conflict: tuple[str, ...] = ()
    """Of an insert: the columns that decide which row it meets."""


class _Group:
    """What stands between two parentheses: its own words, with the groups inside it in their places."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.words: list[str | _Group] = []

    def has(self, *words: str, start: int = 0) -> bool:
        return self.find(*words, start=start) is not None

    def find(self, *words: str, start: int = 0) -> int | None:
        places = range(start, len(self.words) - len(words) + 1)
        return next((at for at in places if self.words[at : at + len(words)] == list(words)), None)

    def at(self, place: int) -> str:
        word = self.words[place] if 0 <= place < len(self.words) else ""
        return word if isinstance(word, str) else ""

    def names(self) -> tuple[str, ...]:
        return tuple(_name(word) for word in self.words if isinstance(word, str) and word != ",")


@lru_cache(maxsize=4096)
def locks_of(sql: str) -> tuple[Lock, ...]:
    """Those of a statement inside the other first: it runs first."""
    return tuple(lock for group in _groups(sql) for lock in _locks(group)) if MAY_LOCK.search(sql) else ()


def _groups(sql: str) -> list[_Group]:
    open_ones = [_Group(0)]
    found = list(open_ones)
    for token in _TOKEN.findall(sql):
        if token == "(":
            inner = _Group(len(open_ones))
            open_ones[-1].words.append(inner)
            open_ones.append(inner)
            found.append(inner)
        elif token == ")" and len(open_ones) > 1:
            open_ones.pop()
        elif not token.startswith(("--", "/*", "'")):
            open_ones[-1].words.append(token if token.startswith('"') else token.upper())
    return sorted(found, key=lambda group: -group.depth)


def _name(word: str) -> str:
    return word.strip('"') if word.startswith('"') else word.lower()


def _locks(group: _Group) -> Iterator[Lock]:
    for at, word in enumerate(group.words):
        following = group.at(at + 1)
        if word == "UPDATE" and following and group.at(at - 1) not in _NOT_A_STATEMENT:
            yield Lock(_name(following), "update")
        elif word == "DELETE" and following == "FROM":
            yield Lock(_name(group.at(at + 2)), "delete")
        elif word == "INSERT" and following == "INTO":
            yield from _insert(group, at + 2)
        elif word == "FOR" and following in ("UPDATE", "SHARE", "NO", "KEY"):
            yield from _select(group, at)
        elif word in ("PG_ADVISORY_LOCK", "PG_ADVISORY_XACT_LOCK"):
            yield Lock("advisory", "advisory")


def _insert(group: _Group, at: int) -> Iterator[Lock]:
    """Only one that may meet a row: of two transactions that insert the same new row the other waits too."""
    met = group.find("ON", "CONFLICT", start=at)
    if met is None:
        return
    columns = next((word.names() for word in group.words[at:met] if isinstance(word, _Group)), ())
    target = group.words[met + 2] if met + 2 < len(group.words) else ""
    conflict = target.names() if isinstance(target, _Group) else ()
    ordered = group.has("ORDER", "BY", start=at)
    yield Lock(_name(group.at(at)), "insert", ordered=ordered, columns=columns, conflict=conflict)


def _select(group: _Group, at: int) -> Iterator[Lock]:
    tables = dict(_tables(group, at))
    chosen = list(tables)
    waits = not (group.has("SKIP", "LOCKED", start=at) or group.has("NOWAIT", start=at))
    if (of := group.find("OF", start=at)) is not None:
        named = {_name(word) for word in group.words[of + 1 :] if isinstance(word, str)}
        chosen = [alias for alias in tables if alias in named]
    ordered, unleased = group.has("ORDER", "BY"), _asks_for_unleased(group.words)
    for alias in chosen:
        yield Lock(tables[alias], "select", waits=waits, ordered=ordered, unleased=unleased)


def _asks_for_unleased(words: Sequence[str | _Group]) -> bool:
    plain = [_name(word) for word in words if isinstance(word, str)]
    inner = [word for word in words if isinstance(word, _Group)]
    here = any(plain[at : at + 3] == ["lease", "is", "null"] for at in range(len(plain)))
    return here or any(_asks_for_unleased(each.words) for each in inner)


def _tables(group: _Group, before: int) -> Iterator[tuple[str, str]]:
    """(alias, table) of the tables that a SELECT reads."""
    for at in range(before):
        if group.at(at) in ("FROM", "JOIN") and (table := group.at(at + 1)):
            alias = group.at(at + 2)
            alias = group.at(at + 3) if alias == "AS" else alias
            plain = alias.startswith('"') or (alias.isidentifier() and alias not in _WORDS_AFTER_A_TABLE)
            yield _name(alias) if plain else _name(table), _name(table)


_WORDS_AFTER_A_TABLE = _END_OF_FROM | {"INNER", "LEFT", "JOIN", "CROSS", "ON", "SET", "USING", "OUTER", "RIGHT"}
