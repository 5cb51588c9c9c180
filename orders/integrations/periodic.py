"""Periodic work beside sending deliveries, such as polling a partner.

The sweep asks every second whether something is due. One task on the outbound queue does the work, outside any
transaction, so that a slow partner delays neither the sweep nor the inbox.
"""

from __future__ import annotations

from typing import Protocol


class Periodic(Protocol):
    def due(self) -> bool:
        """Whether there is work now. Called every second, so it makes a query or two at most."""

    def run(self) -> None:
        """Do what is due. May run in two processes at once: each leaves to the other what it has begun."""
