"""What apps do by themselves every so often, beside what is owed: polling a partner, for one.

``settings.PERIODIC`` names one class each. The sweep asks every second whether something is due; the work is done by
one task on the outbound queue, outside any transaction, so that a slow partner holds neither the sweep nor the inbox.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

log = structlog.get_logger("orderhub.periodic")


class Periodic(Protocol):
    def due(self) -> bool:
        """Whether there is work now; asked every second, so a query or two at most."""

    def run(self) -> None:
        """Do what is due. Two at once do no harm; what is being done elsewhere is left alone."""


@cache
def periodic() -> tuple[Periodic, ...]:
    return tuple(import_string(path)() for path in settings.PERIODIC)


def anything_due() -> bool:
    return any(one.due() for one in periodic())


def run_due() -> None:
    """A fault of one must not keep the others from their turn."""
    for one in periodic():
        try:
            if one.due():
                one.run()
        except Exception as error:  # logged; the next sweep tries again
            log.error("periodic work failed inside the hub", work=type(one).__name__, exc_info=error)
