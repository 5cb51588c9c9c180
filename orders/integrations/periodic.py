"""Work that is done every so often, beside sending deliveries: polling a partner, for one.

The sweep asks every second whether something is due; the work is done by
one task on the outbound queue, outside any transaction, so that a slow partner holds neither the sweep nor the inbox.
"""

from __future__ import annotations

from typing import Protocol


class Periodic(Protocol):
    def due(self) -> bool:
        """Whether there is work now; asked every second, so a query or two at most."""

    def run(self) -> None:
        """Do what is due. Two at once do no harm; what is being done elsewhere is left alone."""
