"""``manage.py doctor``: looks a deployment over and says what to do.

    findings   what a look came to: well, worth a look, wrong
    machine    this process: installed versions, disk, outside address
    database   reachable, migrated, roomy; its clock and its long transactions
    broker     reachable, keeps what it is given; workers that answer
    work       the rows move; secrets open; nothing stands still unseen

A look never changes anything and never raises: what it cannot find out is itself a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from config.doctor import broker, database, machine, work
from config.doctor.findings import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]

Look = Callable[[], Iterable[Finding]]

WITHOUT_DATABASE: tuple[tuple[str, Look], ...] = (
    ("versions", machine.versions),
    ("disk", machine.disk),
    ("address", machine.address),
    ("broker", broker.reachable),
    ("workers", broker.workers),
)
WITH_DATABASE: tuple[tuple[str, Look], ...] = (
    ("schema", database.schema),
    ("clock", database.clock),
    ("transactions", database.transactions),
    ("connections", database.connections),
    ("keys", work.secrets_open),
    ("progress", work.progress),
    ("dead letters", work.dead_letters),
    ("rows", work.invariants),
    ("destinations", work.destinations),
)


def examine() -> Iterator[Finding]:
    """Every look, one finding or more each, in the order in which a person would mend them."""
    first = list(_looked("database", database.reachable))
    yield from first
    for name, look in WITHOUT_DATABASE:
        yield from _looked(name, look)
    if any(finding.verdict is Verdict.WRONG for finding in first):
        return
    for name, look in WITH_DATABASE:
        yield from _looked(name, look)


def _looked(name: str, look: Look) -> Iterator[Finding]:
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001  # a doctor that falls over helps nobody
        said = f"could not be looked at: {type(error).__name__}: {error}"
        yield Finding(name, Verdict.WRONG, said, "Mend what the line above this one names, then run doctor again.")
