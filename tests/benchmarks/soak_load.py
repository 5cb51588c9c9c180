"""What is asked of the hub during a soak, each by its own threads, until the time is up."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.benchmarks.load import Connection, put_request
from tests.benchmarks.proxied import CLIENT_SECRET, ORDER_PATH, get_request
from tests.benchmarks.soak_world import ITEMS, SECRET
from tests.benchmarks.stack import Stack
from tests.bodies import body

RATE = 60
"""PUTs a second of the calm tenant: about a tenth of what two shared cores take with all partners beside them."""
CALM_THREADS = 2
FLOOD_SECONDS, FLOOD_EVERY_SECONDS = 3.0, 20.0
FLOOD_THREADS = 2
FLOOD_ORDERS = 500
READERS = 4
TOKEN_SECONDS = 600
"""A token lasts an hour; new ones are asked for long before."""


@dataclass
class Answers:
    """What came back. Times are seconds since the beginning."""

    calm: list[tuple[float, float]] = field(default_factory=list)
    """When a PUT of the calm tenant was answered, and after how many seconds."""
    statuses: Counter[str] = field(default_factory=Counter)


class Load:
    """``with Load(…) as answers:`` goes on until the block ends."""

    def __init__(self, stacked: Stack, port: int) -> None:
        self._stack, self._port = stacked, port
        self._began = time.perf_counter()
        self._stop = threading.Event()
        self.answers = Answers()
        self.failed: list[BaseException] = []
        doing = [(self._calm, CALM_THREADS), (self._flood, FLOOD_THREADS), (self._through, READERS)]
        self._threads = [
            threading.Thread(target=self._run, args=(work, number)) for work, count in doing for number in range(count)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def _run(self, work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            self.failed.append(error)
            raise

    def _calm(self, thread: int) -> None:
        """A steady pace: every order is put twice, so half of the PUTs change a known one."""
        ask, pace, count = self._asking("calm"), RATE / CALM_THREADS, 0
        while not self._stop.is_set():
            number = count // 2
            order = f"calm-{thread}-{number}"
            sent = body(order, customer=f"c-{count}", item=ITEMS[number % len(ITEMS)])
            self.answers.calm.append((self.seconds, ask(self._put(order, sent))))
            count += 1
            self._stop.wait(max(0.0, count / pace - self.seconds))

    def _flood(self, thread: int) -> None:
        """As fast as it goes, over orders that are known after the first time."""
        ask, count = self._asking("flood"), 0
        while not self._stop.wait(FLOOD_EVERY_SECONDS - FLOOD_SECONDS):
            until = self.seconds + FLOOD_SECONDS
            while self.seconds < until:
                order = f"flood-{thread}-{count % FLOOD_ORDERS}"
                ask(self._put(order, body(order, customer=f"c-{count}")))
                count += 1

    def _through(self, thread: int) -> None:
        ask = self._asking("through", secret=CLIENT_SECRET)
        while not self._stop.wait(0.5):
            ask(lambda token: get_request(f"/api/v1/{ORDER_PATH}", Authorization=f"Bearer {token}"))

    def _put(self, order: str, sent: bytes) -> Callable[[str], bytes]:
        path = f"/api/v1/business-units/store-1/customer-orders/{order}"
        return lambda token: put_request(f"127.0.0.1:{self._port}", path, sent, token)

    def _asking(self, client: str, *, secret: str = SECRET) -> Callable[[Callable[[str], bytes]], float]:
        """A keep-alive connection of a tenant; asks once and returns the seconds that the answer took."""
        connection, token, since = Connection(self._port), "", -float(TOKEN_SECONDS)

        def ask(request: Callable[[str], bytes]) -> float:
            nonlocal token, since
            if self.seconds - since > TOKEN_SECONDS:
                token, since = self._stack.token(self._port, client_id=client, secret=secret), self.seconds
            whole, asked = request(token), time.perf_counter()
            status = connection.ask(whole)
            self.answers.statuses[f"{client} {status}"] += 1
            return time.perf_counter() - asked

        return ask
