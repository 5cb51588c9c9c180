"""What applying an onboarding file did or would do, line by line; and what the database refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from orders.access.sealing import MASK
from orders.values.lane_name import LaneName

Place = tuple[str | int, ...]
"""Where in the file: keys and places in lists, from the top."""

_SHOWN_CHARACTERS = 200
"""Of a value in a line of the report; longer ones (key lists, maps) are cut."""


@dataclass(frozen=True, slots=True)
class Refusal:
    place: Place
    because: str


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to one object or one member of it; ``old`` and ``new`` are texts to show, secrets masked."""

    word: str
    """``created``, ``changed`` or ``unchanged``."""
    what: str
    member: str = ""
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        line = f"{self.word:<11}{self.what}"
        return f"{line}  {self.member}: {self.old} → {self.new}" if self.member else line


@dataclass(slots=True)
class Report:
    """Collects what happens to each object while a file is applied.

    ``what`` names an object for a person: ``supplier acme/beans``. Secrets never come in by ``changed``: callers give
    ``MASK`` for both values. Only ``made_secret`` holds one, to be printed once.
    """

    note: str = "onboarding"
    """Goes into the history of each changed row: who applied it."""
    base: Place = ()
    """Where the tenant under work stands in the file; places given to ``refuse`` are relative to it."""
    read_from: str | None = None
    """The external URL of the tenant under work before the file; None for what it is now."""
    tenants: Sequence[str] = ()
    """The slugs of the file's tenants."""
    locked: set[type] = field(default_factory=set)
    """Models whose rows of these tenants are locked (orders.onboarding.rows.hold_rows)."""
    lanes: list[LaneName] = field(default_factory=list, repr=False)
    last: list[Callable[[], None]] = field(default_factory=list, repr=False)
    """What is done after all sections, and the lanes that it locks: see ``at_last``."""
    happenings: list[Happening] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    secrets: list[tuple[str, str, str]] = field(default_factory=list, repr=False)
    effects: list[str] = field(default_factory=list)
    """Sentences: what follows from the changes for orders, partners and programs."""
    counts: dict[str, int] = field(default_factory=lambda: {"created": 0, "changed": 0, "unchanged": 0})
    _touched: set[str] = field(default_factory=set)
    _facts: list[str] = field(default_factory=list, repr=False)

    @property
    def lines(self) -> list[str]:
        return [str(happening) for happening in self.happenings]

    @property
    def differences(self) -> list[Happening]:
        return [happening for happening in self.happenings if happening.word != "unchanged"]

    @property
    def fingerprint(self) -> str:
        """Equal for two reports of the same changes, whole values compared; not of a moment that the clock gave."""
        return sha256("\n".join(self._facts).encode(errors="surrogatepass")).hexdigest()

    def effect(self, words: str) -> None:
        if words not in self.effects:
            self.effects.append(words)

    def created(self, what: str) -> None:
        self._count(what, "created")
        self._facts.append(repr(what))
        self.happenings.append(Happening("created", what))

    def changed(self, what: str, member: str, old: Any, new: Any) -> None:
        """One line per member; an object with several counts once."""
        if what not in self._touched:
            self._count(what, "changed")
        self._facts.append(repr((what, member, old, "a moment" if isinstance(new, datetime) else new)))
        self.happenings.append(Happening("changed", what, member, _shown(old), _shown(new)))

    def unchanged(self, what: str) -> None:
        self._count(what, "unchanged")
        self.happenings.append(Happening("unchanged", what))

    def made_secret(self, what: str, name: str, value: str) -> None:
        """A secret that was generated because the file has none; the only time it is shown."""
        self.secrets.append((what, name, value))
        self._facts.append(repr((what, name)))

    def refuse(self, *place: str | int, because: str) -> None:
        """A fault that only the database shows; ``place`` is the path below the tenant, as in the file."""
        self.refusals.append(Refusal((*self.base, *place), because))

    def at_last(self, lanes: Iterable[LaneName], work: Callable[[], None]) -> None:
        """Work that locks lanes: those of all works are locked together after every section's rows, in their order of
        docs/design/locks.md. The works are then done in the order in which they were given.
        """
        self.lanes += lanes
        self.last.append(work)

    def text(self, *, dry_run: bool = False) -> Iterator[str]:
        """The lines to print; in a dry run made secrets stay masked, as the real run makes others."""
        yield from self.lines
        for what, name, value in self.secrets:
            yield f"secret     {what}  {name}: {MASK if dry_run else value}"
        if self.secrets and not dry_run:
            yield "Keep the secrets above: they are shown this once."
        done = ", ".join(f"{count} {word}" for word, count in self.counts.items())
        yield f"Dry run, nothing was stored: {done}." if dry_run else f"Applied: {done}."

    def _count(self, what: str, word: str) -> None:
        self._touched.add(what)
        self.counts[word] += 1


def _shown(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _text(value: Any) -> str:
    """As a person writes it in the file."""
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_text(below)}" for key, below in value.items())
    return str(value)
