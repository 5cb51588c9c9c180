"""Celery's consumer for a broker that may go away and come back empty at any time: it only carries wakes.

Two of its habits are made for messages that matter and cost us dearly:

* It waits 2, 4, 6, … 30 s between its tries to connect. After a minute without Redis half a minute more would pass.
* Losing its connection it puts messages back, through that lost connection, and ends the worker when that fails. A
  wake that was not begun is worth nothing: the sweep finds what it meant.
"""

from __future__ import annotations

from typing import Any

from celery.utils.log import get_logger
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu.transport.redis import Channel

RECONNECT_SECONDS = 1.0
"""Between two tries to reach the broker: as often as the sweep looks for work."""

log = get_logger(__name__)

Channel.do_restore = False


class WakeConsumer(Consumer):  # type: ignore[misc]  # celery has no types
    """Back at work within a second of the broker's return."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection(
            self._still_away,
            None,
            interval_start=RECONNECT_SECONDS,
            interval_step=0,
            interval_max=RECONNECT_SECONDS,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        self.broker_connection_retry_attempt = 0
        return conn

    def _still_away(self, error: Exception, seconds: float) -> None:
        """One line for the first try and for every power of two after it."""
        self.broker_connection_retry_attempt += 1
        tries = self.broker_connection_retry_attempt
        if tries & (tries - 1) == 0:
            log.error("broker away, nothing is applied or sent until it is back (try %d): %s", tries, error)
