"""A supplier, simulated (docs/reference/supplier-events.md): takes webhooks, then fetches the order data.

    POST any path, as /hook   a webhook: authorization and signature checked, 202, then the fetch
    POST /oauth2/token        where oauth2 is asked of the hub
    GET /_events              {"events": [{at, webhookId, eventType, orderToken, verified, repeat, status, detail}]}
    GET /_fetched             {"fetched": [{at, webhookId, eventType, orderToken, status, order, error}]}
    GET /                     both, on a page; a repeat (same eventType and orderToken) is shown once, counted

``verified`` is null when no signing secret is set. DELETE empties each list. A repeat of a ``webhook-id`` is answered
202 and not fetched again. Faults: orders/simulators/faults.py; ``fail(status=410)``, ``fail(lost=True)`` (accepted and
fetched, never answered). What is refused by a fault is only in ``/_received``. With ``tls`` it listens with a
certificate that nobody vouches for, which the hub must refuse.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, ClassVar, Self

import requests

from orders.simulators.base import Simulator
from orders.simulators.faults import Fault
from orders.simulators.tokens import TokenEndpoint
from orders.simulators.wire import Answer, Call, html_answer, json_answer, read_json, timestamp, write_json
from suppliers.simulator.hub_client import HubAccount, HubClient, NotFetched
from suppliers.simulator.signature import is_signed
from suppliers.simulator.tls import untrusted_context

FETCHED_EVENTS = frozenset({"order_created", "order_updated"})
FETCHERS = 4
"""Threads that fetch: more than one, so that a slow answer does not hold all; few, as a small supplier has."""
KEPT = 20_000
"""Entries of each list, and webhook ids remembered."""
PAGE_ROWS = 200


@dataclass(frozen=True, slots=True)
class _Job:
    webhook_id: str
    event_type: str
    order_token: str
    correlation_id: str


class MockSupplier(Simulator):
    """One supplier. ``basic`` or ``oauth2`` given means that the webhook must carry it.

    The account at the hub and the signing secrets may be set later: ``supplier.account = HubAccount(…)``,
    ``supplier.signing_secrets = […]`` (several while one is rotated; any of them will do).
    """

    name: ClassVar[str] = "mock_supplier"

    def __init__(
        self,
        *,
        port: int = 0,
        account: HubAccount | None = None,
        signing_secrets: Sequence[str] = (),
        basic: tuple[str, str] | None = None,
        oauth2: tuple[str, str] | None = None,
        tls: bool = False,
    ) -> None:
        super().__init__(port=port)
        self.tls = tls
        self.account = account
        self.signing_secrets = list(signing_secrets)
        self.basic = basic
        self.tokens = TokenEndpoint(oauth2[0], client_secret=oauth2[1]) if oauth2 else None
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._fetched: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._seen: dict[str, None] = {}
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._client: HubClient | None = None

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:") if self.tls else super().url

    @property
    def hook_url(self) -> str:
        return f"{self.url}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._events)

    @property
    def fetched(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._fetched)

    def banner(self) -> str:
        asks = [
            "signature by " + " or ".join(self.signing_secrets) if self.signing_secrets else "signature not checked"
        ]
        if self.basic:
            asks.append("Basic " + " ".join(self.basic))
        if self.tokens:
            asks.append(f"OAuth2 {self.tokens.client_id} {self.tokens.client_secret} at {self.url}/oauth2/token")
        fetches = f"fetches from {self.account.hub_url}" if self.account else "fetches nothing (no --hub)"
        return f"mock_supplier listens on {self.hook_url} · {' · '.join(asks)} · {fetches}"

    def start(self) -> Self:
        running = self._server is not None
        super().start()
        if self.tls and not running and self._server is not None:
            self._server.socket = untrusted_context().wrap_socket(self._server.socket, server_side=True)
        for _ in range(0 if running else FETCHERS):
            threading.Thread(target=self._fetch_all, name="mock_supplier fetch", daemon=True).start()
        return self

    def stop(self) -> None:
        running = self._server is not None
        super().stop()
        for _ in range(FETCHERS if running else 0):
            self._jobs.put(None)

    # Answering

    def answer(self, call: Call, fault: Fault) -> Answer:
        if call.method == "GET":
            return self._page() if call.path == "/" else json_answer({"title": "There is nothing here"}, status=404)
        if self.tokens and call.path == "/oauth2/token":
            return self.tokens.answer(call)
        if call.method != "POST":
            return json_answer({"title": "Only POST is answered here"}, status=405, headers={"Allow": "POST"})
        return self._take(call)

    def control(self, call: Call) -> Answer | None:
        lists = {"/_events": ("events", self._events), "/_fetched": ("fetched", self._fetched)}
        if call.path not in lists:
            return None
        name, entries = lists[call.path]
        with self._lock:
            if call.method == "DELETE":
                entries.clear()
            return json_answer({name: list(entries)})

    def _take(self, call: Call) -> Answer:
        """One webhook: judged, listed, answered; the fetch comes after the answer."""
        event = _event(call.body)
        job = _Job(
            call.header("webhook-id"),
            str(event.get("eventType", "")),
            str(event.get("orderToken", "")),
            call.header("Correlation-Id"),
        )
        verified = self._verified(call)
        status, detail = self._judged(call, verified=verified, event=event)
        repeat = status == 202 and not self._is_new(job.webhook_id)
        self._note(job, verified=verified, repeat=repeat, status=status, detail=detail)
        if status != 202:
            return json_answer({"title": detail, "status": status}, status=status)
        wanted = job.event_type in FETCHED_EVENTS and not repeat and self.account is not None
        return Answer(status=202, after=(lambda: self._jobs.put(job)) if wanted else None)

    def _judged(self, call: Call, *, verified: bool | None, event: dict[str, Any]) -> tuple[int, str]:
        if self.basic and call.basic != self.basic:
            return 401, "Basic authorization is needed"
        if self.tokens and not self.tokens.knows(call.bearer):
            return 401, "A token of /oauth2/token is needed"
        if verified is False:
            return 401, "The signature is not ours"
        if not event:
            return 400, "The body is no JSON object"
        return 202, ""

    def _verified(self, call: Call) -> bool | None:
        if not self.signing_secrets:
            return None
        headers = {name.lower(): value for name, value in call.headers.items()}
        return is_signed(call.body, headers=headers, secrets=self.signing_secrets)

    def _is_new(self, webhook_id: str) -> bool:
        if not webhook_id:
            return True
        with self._lock:
            if webhook_id in self._seen:
                return False
            self._seen[webhook_id] = None
            if len(self._seen) > KEPT:
                del self._seen[next(iter(self._seen))]
            return True

    def _note(self, job: _Job, **judgement: Any) -> None:
        with self._lock:
            self._events.append({**_entry(job), "correlationId": job.correlation_id, **judgement})

    # Fetching

    def _fetch_all(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (job := self._jobs.get()) is not None:
                entry = {**_entry(job), **self._fetch(job, session)}
                with self._lock:
                    self._fetched.append(entry)

    def _fetch(self, job: _Job, session: requests.Session) -> dict[str, Any]:
        client = self._client_for_account()
        if client is None:
            return {"status": None, "order": None, "error": "No account at the hub is set."}
        try:
            answer = client.order_data(
                job.order_token, session=session, pause=self.stopping.wait, correlation_id=job.correlation_id
            )
            order = read_json(answer.content) if answer.status_code == 200 else None
        except (NotFetched, ValueError) as error:
            return {"status": None, "order": None, "error": str(error)}
        said = None if answer.status_code == 200 else answer.text[:500]
        return {"status": answer.status_code, "order": order, "error": said}

    def _client_for_account(self) -> HubClient | None:
        """The client of the present account, with the token it holds."""
        with self._lock:
            if self.account is None:
                return None
            if self._client is None or self._client.account != self.account:
                self._client = HubClient(self.account)
            return self._client

    # The page

    def _page(self) -> Answer:
        times = Counter((each["eventType"], each["orderToken"]) for each in self.events if each["status"] == 202)
        refused = sum(each["status"] != 202 for each in self.events)
        orders = {each["orderToken"]: each for each in self.fetched}
        rows = "".join(
            f"<tr><td>{escape(event_type)}</td><td>{escape(token)}</td><td>{count}</td>"
            f"<td><pre>{escape(_shown(orders.get(token)))}</pre></td></tr>"
            for (event_type, token), count in list(times.items())[-PAGE_ROWS:][::-1]
        )
        links = " · ".join(f'<a href="{path}">{path}</a>' for path in ("/_events", "/_fetched", "/_received"))
        return html_answer(
            "Mock supplier",
            f"<p>{len(times)} events, {refused} refused · {links}</p><table><tr><th>Event</th><th>Order token</th>"
            f"<th>Times</th><th>Fetched last</th></tr>{rows}</table>",
        )


def _event(body: bytes) -> dict[str, Any]:
    """The body's object, empty when it is none."""
    try:
        data = read_json(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _entry(job: _Job) -> dict[str, Any]:
    return {
        "at": timestamp(datetime.now(UTC)),
        "webhookId": job.webhook_id,
        "eventType": job.event_type,
        "orderToken": job.order_token,
    }


def _shown(fetch: dict[str, Any] | None) -> str:
    if fetch is None:
        return "not fetched"
    return write_json(fetch["order"]) if fetch["order"] is not None else f"FAILED: {fetch['error']}"
