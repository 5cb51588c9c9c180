"""Periodic work beside sending deliveries, such as polling a partner.

The sweep asks every second whether something is due. One task on the outbound queue does the work, outside any
transaction, so that a slow partner delays neither the sweep nor the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import structlog
from django.db import connection

Row = TypeVar("Row")
Done = TypeVar("Done")
WHAT_TO_DO = "The next sweep tries it again; if it lasts, correct what the error names, or report it."
log = structlog.get_logger("orderhub.periodic")


class Periodic(Protocol):
    def due(self) -> bool:
        """Whether there is work now. Called every second, so it makes a query or two at most."""

    def run(self) -> None:
        """Do what is due. May run in two processes at once: each leaves to the other what it has begun."""


def each(rows: Iterable[Row], work: Callable[[Row], Done]) -> list[tuple[Row, Done]]:
    """Work on every row; a fault of one is logged and holds up no other. Returns the rows without a fault, with what
    their work returned. Raises only when the database is away, which is no row's fault.
    """
    done = []
    for row in list(rows):
        try:
            done.append((row, work(row)))
        except Exception as error:
            if not connection.is_usable():
                raise
            named = {"work": getattr(work, "__name__", str(work)), "row": str(getattr(row, "pk", row))}
            log.error("periodic work failed for one row", **named, what_to_do=WHAT_TO_DO, exc_info=error)
    return done
