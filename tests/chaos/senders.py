"""Senders that keep putting whatever happens, and keep their own ledger of every 202.

An answer that is no 202, or none at all, is noted by its kind and its sender goes on: what became of that event is
unknown to it, as it is to a real one.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.bodies import body
from tests.chaos.checker import Accepted

STATUSES = ("CREATED", "IN_PROGRESS", "FULFILLED")
PRICES = ("19.9", "19.90", "20")
"""Few, so that about one PUT in nine repeats the one before it."""
ANSWER_SECONDS = 20
PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class Notes:
    """What all senders noted together. Times are time.time()."""

    accepted: list[Accepted] = field(default_factory=list)
    answered: list[tuple[float, float]] = field(default_factory=list)
    """Of every 202: when it was asked for and when it came."""
    trouble: Counter[str] = field(default_factory=Counter)


class Senders:
    """``with Senders(…) as senders:`` puts until the block ends, not faster than ``rate`` a second."""

    def __init__(self, port: int, token: str, *, orders: int, wanted: int, rate: float, threads: int = 8) -> None:
        self._port, self._token = port, token
        self._orders, self._wanted, self._rate = orders, wanted, rate
        self.notes = Notes()
        self._started_at = time.monotonic()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(threads)]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def done(self) -> bool:
        """As many as wanted were accepted."""
        return len(self.notes.accepted) >= self._wanted

    def _send(self, number: int) -> None:
        chance = random.Random(number)
        connection = None
        while not self._ended.is_set():
            if len(self.notes.accepted) > self._rate * (time.monotonic() - self._started_at):
                time.sleep(PAUSE_SECONDS)
                continue
            connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
            try:
                self._put(connection, chance)
            except (OSError, http.client.HTTPException) as error:
                self.notes.trouble[type(error).__name__] += 1
                connection.close()
                connection = None
                time.sleep(PAUSE_SECONDS)
        if connection:
            connection.close()

    def _put(self, connection: http.client.HTTPConnection, chance: random.Random) -> None:
        order = f"order-{chance.randrange(self._orders)}"
        sent = body(order, status=chance.choice(STATUSES), price=chance.choice(PRICES))
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        asked_at = time.time()
        connection.request("PUT", f"/api/v1/business-units/store-1/customer-orders/{order}", sent, headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status == 202:
            self.notes.answered.append((asked_at, time.time()))
            said = json.loads(told)
            self.notes.accepted.append(
                Accepted(said["eventId"], order, said["sequence"], hashlib.sha256(sent).hexdigest())
            )
        else:
            self.notes.trouble[f"status {answer.status}"] += 1
            time.sleep(PAUSE_SECONDS)
