"""The tenant of the drill: its own order system, which goes on changing orders, and what it sends to the hub."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path

from orders.simulators.wire import Digits, write_json
from proxy.simulator.server import MockOms

UNITS = ("store-1", "store-2")
WORDS = ("NEW", "IN_PROGRESS", "FULFILLED", "CANCELLED")
"""The first is translated to CREATED by the tenant's status map."""
LIVING = 30
"""Orders that are changed while the tenant moves; the others stand still, as most old orders do."""
CHANGE_SECONDS = 0.1
LATE_SECONDS = 2.0
LATE_SHARE = 0.2
"""Of the events that long after the change: a copy compared meanwhile is wrong."""

Key = tuple[str, str]


def key_of(number: int) -> Key:
    return UNITS[number % 2], f"d-{number}"


def order(number: int, *, status: str = "", price: str = "19.90", quantity: int = 2) -> str:
    """As the own system writes it; every number keeps its digits."""
    lines = [
        {"itemId": f"BEAN-{number % 9}", "quantityOrdered": Digits(str(quantity)), "unitPrice": Digits(price)},
        {"itemId": "MUG-1", "itemName": "Mug", "quantityOrdered": Digits("1"), "unitPrice": Digits("7.50")},
    ]
    address = {
        "name": "A. Person",
        "line1": "Some Street 1",
        "city": "Aarhus",
        "postalCode": "8000",
        "countryCode": "DK",
    }
    return write_json(
        {
            "customerOrderId": key_of(number)[1],
            "customerId": f"c-{number % 40}",
            "status": status or WORDS[number % 4],
            "minimumDownPaymentAmount": Digits("100.0"),
            "items": lines,
            "currencyId": "DKK",
            "placedDateTime": f"2026-0{number % 9 + 1}-01T09:00:00+01:00",
            "customer": {"name": "A. Person", "phone": "+45 20 30 40 50"},
            "deliveryAddress": address,
        }
    )


class Shop:
    """``send`` puts one order to the hub and fails when it is not taken."""

    def __init__(self, oms: MockOms, orders: int, send) -> None:
        self.oms, self.orders, self.send = oms, orders, send
        self.revisions = dict.fromkeys(map(key_of, range(orders)), 0)
        self.late = 0
        self.faults: list[str] = []
        self._texts: dict[Key, str] = {}
        self._dice = random.Random(8)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._changes)
        for number in range(orders):
            self.keeps(number, order(number))

    def keeps(self, number: int, text: str) -> None:
        key = key_of(number)
        self._texts[key] = text
        self.oms.add_order(key[0], text)

    def text(self, key: Key) -> str:
        return self._texts[key]

    def place(self, number: int) -> Key:
        """A new order, sent at once."""
        key = key_of(number)
        self.keeps(number, order(number, status="NEW"))
        self.revisions[key] = 0
        self.send(key, self.text(key))
        return key

    def file(self, path: Path, *, without: set[int], wrong: set[int]) -> Path:
        """All orders as lines for ``manage.py events load``; those that are ``wrong`` with another price."""
        with path.open("w") as lines:
            for number in range(self.orders):
                if number in without:
                    continue
                key = key_of(number)
                text = order(number, price="19.09") if number in wrong else self.text(key)
                lines.write(f'{{"businessUnitId":{json.dumps(key[0])},"customerOrder":{text}}}\n')
        return path

    def __enter__(self) -> Shop:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stands_still()

    def stands_still(self) -> None:
        self._ends.set()
        self._thread.join()

    def _changes(self) -> None:
        """Changes in the own system first; the event follows, mostly at once."""
        owed: list[tuple[float, Key]] = []
        while not self._ends.wait(CHANGE_SECONDS):
            number = self._dice.randrange(LIVING)
            key = key_of(number)
            self.revisions[key] += 1
            self.keeps(number, order(number, status=self._dice.choice(WORDS), quantity=self.revisions[key]))
            is_late = self._dice.random() < LATE_SHARE
            self.late += is_late
            owed.append((time.monotonic() + (LATE_SECONDS if is_late else 0.0), key))
            owed = self._sends(owed, time.monotonic())
        self._sends(owed, float("inf"))

    def _sends(self, owed: list[tuple[float, Key]], now: float) -> list[tuple[float, Key]]:
        """What the order is by then, so that no event overtakes a newer one; returns what is owed still."""
        for at, key in owed:
            if at <= now:
                try:
                    self.send(key, self.text(key))
                except (AssertionError, OSError) as error:
                    self.faults.append(f"{key}: {error}")
        return [one for one in owed if one[0] > now]
