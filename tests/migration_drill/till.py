"""The readers of the drill: they ask the hub over HTTP, at every address it has, and keep what they were answered."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.migration_drill.shop import UNITS, Key

THREADS = 8
LIMIT_SECONDS = 30
PAGE = 200


class Hub:
    """One process of the hub as a client sees it."""

    def __init__(self, url: str, client_id: str, secret: str) -> None:
        self.url, self._login, self._own = url, (client_id, secret), threading.local()
        form = {"grant_type": "client_credentials"}
        answer = self._http().post(f"{url}/oauth2/token", data=form, auth=self._login, timeout=LIMIT_SECONDS)
        self.token = answer.json()["access_token"]

    def ask(self, method: str, path: str, body: str | bytes | None = None, kind: str = "application/json"):
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Content-Type": kind} if body is not None else {})
        return self._http().request(method, self.url + path, data=body, headers=headers, timeout=LIMIT_SECONDS)

    def read(self, key: Key):
        return self.ask("GET", f"/api/v1/business-units/{key[0]}/customer-orders/{key[1]}")

    def put(self, key: Key, order: str):
        path = f"/api/v1/business-units/{key[0]}/customer-orders/{key[1]}"
        return self.ask("PUT", path, f'{{"customerOrder":{order}}}')

    def answers_from_stored(self, key: Key) -> bool:
        answer = self.read(key)
        assert answer.status_code == 200, answer.text
        return "Orderhub-Sequence" in answer.headers

    def search(self, unit: str, criteria: dict[str, str]) -> list[tuple[str, str, str]]:
        """All that is found, page by page, in no sequence: the own system sorts by change, the hub by reception."""
        found: list[tuple[str, str, str]] = []
        while True:
            path = f"/api/v1/business-units/{unit}/customer-orders:search?skip={len(found)}&take={PAGE}"
            answer = self.ask("POST", path, json.dumps(criteria))
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += [(one["customerOrderId"], one["customerId"], one["status"]) for one in page["customerOrders"]]
            if not page["page"]["hasMore"]:
                return sorted(found)

    def _http(self) -> requests.Session:
        if not hasattr(self._own, "http"):
            self._own.http = requests.Session()
            self._own.http.trust_env = False
        return self._own.http


def answers(hubs: Sequence[Hub], keys: Iterable[Key]) -> dict[Key, Any]:
    """Each order as the hub answers it, numbers with their digits; asked of one process after the other."""
    asked = list(enumerate(keys))
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(lambda one: (one[1], document(hubs[one[0] % len(hubs)].read(one[1]))), asked)
        return dict(found)


def document(answer) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=str, parse_int=str)["customerOrder"]


def searches(hubs: Sequence[Hub]) -> dict[Any, list[tuple[str, str, str]]]:
    wanted = [{"customerId": f"c-{number}"} for number in range(0, 40, 4)]
    wanted += [{"customerOrderId": "d-41"}, {"itemId": "BEAN-3"}, {"status": "IN_PROGRESS", "customerId": "c-9"}]
    wanted += [{"placedFrom": "2026-05-01T00:00:00Z", "customerId": "c-7"}]
    asked = [(unit, criteria) for unit in UNITS for criteria in wanted]
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(lambda one: hubs[one[0] % len(hubs)].search(*one[1]), enumerate(asked))
        return {(unit, *criteria.items()): rows for (unit, criteria), rows in zip(asked, found, strict=True)}


class Till:
    """Reads on and on while the tenant is switched; every answer must be an order."""

    def __init__(self, hubs: Sequence[Hub], keys: Sequence[Key]) -> None:
        self.hubs, self.keys, self.reads = hubs, keys, 0
        self.failures: list[str] = []
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._reads, args=(hub,)) for hub in hubs]

    def __enter__(self) -> Till:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _reads(self, hub: Hub) -> None:
        dice = random.Random(hub.url)
        while not self._ends.wait(0.02):
            key = dice.choice(self.keys)
            try:
                answer = hub.read(key)
            except requests.RequestException as error:
                self.failures.append(f"{key}: {error}")
                continue
            self.reads += 1
            if answer.status_code != 200:
                self.failures.append(f"{key}: {answer.status_code} {answer.text[:200]}")
