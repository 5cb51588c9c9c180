"""Whether an order service keeps docs/guides/external-service.md: what ``manage.py proxy conformance`` tries.

Each check is a line of the report: kept, broken, or kept with advice. One broken check does not end the run, except
where nothing can be reached or authorized. The service is only read from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from orders.documents import Checked, check_answer, check_search_answer, parse_instant
from orders.models import Tenant
from orders.outgoing import Answer, Call, Deadline, OutgoingError, send
from orders.outgoing.partner_tokens import PartnerTokenError
from orders.values.problems import Problem
from proxy.conformance_searches import ABSENT, NotKept, search_checks
from proxy.connection_test import ConnectionTest
from proxy.contract import broken, framed
from proxy.credentials import Credentials
from proxy.forwarding import allowed_seconds, exchange, order_call, search_call

NEWEST_READ = 5
"""Orders read to see in which sequence a search answers: few, as each is a call."""

SLOW_SECONDS = 1.0
"""A person waits at the till."""

KEPT, BROKEN, ADVICE = "ok", "FAILED", "advice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``verdict`` is KEPT, BROKEN or ADVICE (kept, but worth a look)."""

    check: str
    verdict: str
    ms: int
    detail: str


class Conformance:
    """One run against a service. ``order`` is (business unit, order id); without an id the first that is found."""

    def __init__(self, tenant: Tenant, credentials: Credentials, *, unit: str, order: str = "") -> None:
        self.tenant, self.credentials = tenant, credentials
        self.unit, self.order = unit, order
        self._advice: list[str] = []
        self._document: dict[str, Any] = {}
        """The order that was read, for the searches that must find it."""

    def run(self) -> Iterator[Finding]:
        """The findings as they are made."""
        reached = True
        for step in ConnectionTest(self.tenant, self.credentials, for_ops=True).reach():
            reached = step.ok
            yield Finding(step.step, KEPT if step.ok else BROKEN, step.ms, step.detail)
        for name, check in self._checks() if reached else ():
            yield self._finding(name, check)

    def _checks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "search: everything", self._search_everything
        if self.order:
            yield "search: one order", self._search_one
        yield "search: nothing found", self._search_nothing
        if self.order:
            yield "read: an order", self._read
            if self._document:
                yield from search_checks(self._search, self._document)
        yield "search: newest first", self._newest_first
        yield "read: unknown order", self._read_unknown
        calls = {"login": order_call(self.tenant, self.unit, self.order or ABSENT)}
        calls["search login"] = search_call(self.tenant, self.unit, b"{}")
        for name, call in calls.items():
            yield f"{name}: none", partial(self._refuses, call, {})
            yield f"{name}: wrong Basic", partial(self._refuses, call, {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="})
            yield f"{name}: wrong token", partial(self._refuses, call, {"Authorization": "Bearer nothing"})

    def _finding(self, name: str, check: Callable[[], str]) -> Finding:
        self._advice = []
        began = time.monotonic()
        try:
            verdict, detail = KEPT, check()
        except (OutgoingError, PartnerTokenError, NotKept) as failure:
            verdict, detail = BROKEN, str(failure)
        except Problem as problem:
            places = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in problem.errors[:10])
            verdict, detail = BROKEN, places or problem.detail
        seconds = time.monotonic() - began
        if verdict == KEPT and seconds > SLOW_SECONDS:
            self._advice.append(f"It took {seconds:.1f} s, and a person waits at the till.")
        if verdict == KEPT and self._advice:
            verdict, detail = ADVICE, " ".join([f"{detail}.", *self._advice])
        return Finding(name, verdict, round(seconds * 1000), detail)

    # The checks

    def _search_everything(self) -> str:
        found = self._search({})
        if not self.order and found:
            self.order = str(found[0]["customerOrderId"])
        if not found:
            self._advice.append(f"There is no order in {self.unit}; name another --unit, or nothing more is checked.")
        return f"{len(found)} order(s) in {self.unit}"

    def _search_one(self) -> str:
        ids = [order["customerOrderId"] for order in self._search({"customerOrderId": self.order})]
        if ids != [self.order]:
            raise NotKept(
                f'{{"customerOrderId": "{self.order}"}} must find that order and no other; it found {ids[:5]}'
            )
        return f"found {self.order} and no other"

    def _search_nothing(self) -> str:
        if self._search({"customerOrderId": ABSENT}):
            raise NotKept("A search for an order that does not exist found something: criteria are joined by AND")
        return "200 with an empty list"

    def _read(self) -> str:
        answer = self._ask(order_call(self.tenant, self.unit, self.order))
        document = self._kept(answer, check_answer)
        if document["customerOrderId"] != self.order:
            raise NotKept(f"{self.order} was asked for, {document['customerOrderId']} was answered")
        self._document = document
        return f"order {self.order}, {len(document['items'])} line(s), every member as agreed"

    def _read_unknown(self) -> str:
        answer = self._ask(order_call(self.tenant, self.unit, ABSENT))
        if answer.status != 404:
            raise NotKept(
                f"An order that does not exist was answered with {answer.status}; 404 is right, also for an id with "
                "/ % : blank or letters beyond ASCII, which comes percent-encoded as one path segment"
            )
        return "404, with a percent-encoded id"

    def _newest_first(self) -> str:
        """Only advice: what is newest by the service's own clock is not in its answers."""
        ids = [order["customerOrderId"] for order in self._search({})[:NEWEST_READ]]
        read = [self._kept(self._ask(order_call(self.tenant, self.unit, one)), check_answer) for one in ids]
        placed = [parse_instant(one["placedDateTime"]) for one in read if one.get("placedDateTime")]
        if len(placed) > 1 and placed != sorted(placed, reverse=True):
            self._advice.append("They do not come newest first by placedDateTime; a till shows them as they come.")
        return f"the first {len(read)} order(s) read"

    def _refuses(self, call: Call, login: dict[str, str]) -> str:
        answer = send(replace(call, headers={**call.headers, **login}), deadline=self._deadline())
        if answer.status not in (401, 403):
            raise NotKept(f"Answered {answer.status} without a valid login; 401 is right")
        if answer.status == 403:
            self._advice.append("401 says it better than 403.")
        return f"refused with {answer.status}"

    # Asking

    def _search(self, criteria: dict[str, str]) -> list[dict[str, Any]]:
        answer = self._ask(search_call(self.tenant, self.unit, json.dumps(criteria).encode()))
        found: list[dict[str, Any]] = self._kept(answer, check_search_answer)["customerOrders"]
        return found

    def _ask(self, call: Call) -> Answer:
        return exchange(call, credentials=self.credentials, deadline=self._deadline())

    def _deadline(self) -> Deadline:
        return Deadline.after(allowed_seconds(self.tenant))

    def _kept(self, answer: Answer, check: Callable[[bytes], Checked]) -> dict[str, Any]:
        if answer.status != 200:
            raise NotKept(f"Answered {answer.status}; 200 is right")
        checked = framed(answer, check)
        if checked.mismatches:
            raise broken(checked)
        if checked.dropped:
            names = ", ".join(checked.unknown[:5])
            self._advice.append(f"The hub drops {len(checked.dropped)} member(s) that it does not know: {names}.")
        return checked.document
