"""Senders that keep putting whatever happens, retry nothing, and keep their own ledger of every answer.

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


def usual_body(order: str, chance: random.Random) -> bytes:
    return body(order, status=chance.choice(STATUSES), price=chance.choice(PRICES))


@dataclass(frozen=True, slots=True)
class Tried:
    """One PUT. Times are time.time(); ``trouble`` says what came instead of a 202."""

    asked_at: float
    came_at: float
    event_id: str = ""
    trouble: str = ""

    @property
    def seconds(self) -> float:
        return self.came_at - self.asked_at


@dataclass(slots=True)
class Notes:
    """What all senders noted together."""

    accepted: list[Accepted] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)

    @property
    def answered(self) -> list[tuple[float, float]]:
        """Of every 202: when it was asked for and when it came."""
        return [(each.asked_at, each.came_at) for each in self.tried if not each.trouble]

    @property
    def trouble(self) -> Counter[str]:
        return Counter(each.trouble for each in self.tried if each.trouble)


class Senders:
    """``with Senders(…) as senders:`` puts until the block ends, not faster than ``rate`` a second.

    ``keep_alive`` False makes a connection for each PUT: a client that never meets a connection closed while idle.
    """

    def __init__(
        self, port: int, token: str, *, orders: int, rate: float, keep_alive: bool = True, threads: int = 8
    ) -> None:
        self._port, self._token = port, token
        self._orders, self._rate, self._keep_alive = orders, rate, keep_alive
        self.body = usual_body
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

    def _send(self, number: int) -> None:
        chance = random.Random(number)
        connection = None
        while not self._ended.is_set():
            if len(self.notes.accepted) > self._rate * (time.monotonic() - self._started_at):
                time.sleep(PAUSE_SECONDS)
                continue
            connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
            asked_at = time.time()
            try:
                trouble = self._put(connection, chance, asked_at)
            except (OSError, http.client.HTTPException) as error:
                trouble = type(error).__name__
                connection.close()
            if trouble:
                self.notes.tried.append(Tried(asked_at, time.time(), trouble=trouble))
                time.sleep(PAUSE_SECONDS)
            if trouble or not self._keep_alive:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _put(self, connection: http.client.HTTPConnection, chance: random.Random, asked_at: float) -> str:
        """What came instead of a 202, or nothing."""
        order = f"order-{chance.randrange(self._orders)}"
        sent = self.body(order, chance)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request("PUT", f"/api/v1/business-units/store-1/customer-orders/{order}", sent, headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 202:
            return f"status {answer.status}"
        said = json.loads(told)
        self.notes.tried.append(Tried(asked_at, time.time(), said["eventId"]))
        self.notes.accepted.append(Accepted(said["eventId"], order, said["sequence"], hashlib.sha256(sent).hexdigest()))
        return ""
