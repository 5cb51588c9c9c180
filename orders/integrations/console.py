"""What an integration shows on the pages of the console, and what alerts can measure of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageLink:
    """A button: a verb with its object, and where it leads."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Attention:
    """A problem for the home page. ``harm`` sorts the lines: waiting things times the hours they wait."""

    sentence: str
    url: str
    harm: float = 0.0
    open_words: str = "Open"
    more: tuple[PageLink, ...] = ()
    stopped: bool = False
    """Nothing goes on there until somebody acts."""


@dataclass(frozen=True, slots=True)
class Fact:
    """``order service`` · ``answering normally``. ``meaning`` is a value of orders.values.labels.MARKS."""

    name: str
    value: str
    meaning: str = "plain"
    url: str = ""


@dataclass(frozen=True, slots=True)
class ItemTaker:
    """A supplier or a warehouse with the patterns of the items it takes."""

    channel: str
    name: str
    patterns: Sequence[str]
    business_units: Sequence[str] | None = None
    """None: of all."""

    def __str__(self) -> str:
        return f"{self.channel} {self.name}"


@dataclass(frozen=True, slots=True)
class DestinationAction:
    """An action of an integration on its destinations, with its effect in words."""

    words: str
    effect: str
    url: str
    fits: bool = False
    """Whether this is the recommended action in the present state."""


@dataclass(frozen=True, slots=True)
class ModeNote:
    """One sentence about a switch of mode: ``blocks`` says what must be done before, ``warns`` says what ends."""

    words: str
    blocks: bool = False
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    subject: str
    amount: float
    said: str
    page: str


@dataclass(frozen=True, slots=True)
class Measure:
    words: str
    unit: str
    usual: float
    """A threshold to begin with."""
    read: Callable[[int | None], Iterator[Reading]]
    """Readings of one tenant, or of the whole hub."""
