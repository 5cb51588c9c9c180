"""``manage.py doctor``: checks a deployment and names the next step for each problem.

    findings   the result of a check: ok, warning, wrong
    machine    this process: installed versions, disk, outside address
    database   reachable, migrated, connections left; its clock and its long transactions
    broker     reachable, does not evict keys; workers that answer
    work       progress, secrets, dead letters, invariants, destinations

A check never changes anything and never raises: what it cannot find out is itself a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from config.doctor import broker, database, machine, work
from config.doctor.findings import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]

Check = Callable[[], Iterable[Finding]]

WITHOUT_DATABASE: tuple[tuple[str, Check], ...] = (
    ("versions", machine.versions),
    ("disk", machine.disk),
    ("environment", machine.environment),
    ("address", machine.address),
    ("broker", broker.reachable),
    ("workers", broker.workers),
)
WITH_DATABASE: tuple[tuple[str, Check], ...] = (
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
    """Every check, one finding or more each, in the order in which to correct them."""
    first = list(_checked("database", database.reachable))
    yield from first
    for name, check in WITHOUT_DATABASE:
        yield from _checked(name, check)
    if any(finding.verdict is Verdict.WRONG for finding in first):
        return
    for name, check in WITH_DATABASE:
        yield from _checked(name, check)


def _checked(name: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001  # the other checks still run
        said = f"could not be checked: {type(error).__name__}: {error}"
        yield Finding(name, Verdict.WRONG, said, "Correct what the line above names, then run doctor again.")
