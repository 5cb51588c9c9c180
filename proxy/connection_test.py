"""Does a tenant's external service work with these credentials? One step after the other, each with its time.

    resolve, connect, tls, token, read, for ops also search, and contract: whether the answers keep it

Stops at the first step that fails. It neither asks nor changes the breaker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from orders.documents import SearchCriteria
from orders.integrations.self_test import CHECK_ID, Step
from orders.models import Tenant
from orders.outgoing import Answer, Deadline, OutgoingError, Probe
from orders.outgoing.partner_tokens import ClientCredentials, PartnerTokenError, request_token
from orders.values.problems import Problem
from proxy.contract import order_of, page_of
from proxy.credentials import Credentials
from proxy.failures import problem_of_error
from proxy.forwarding import allowed_seconds, exchange, order_call, search_call
from proxy.searching import Asked

Act = tuple[str, Callable[[], str]]
"""A step's name, and what does it and says what it found."""


class _StepError(Exception):
    """A step's own verdict; the text is for the tenant and for ops."""


class ConnectionTest:
    """One run. ``order`` is (business unit, order id) to be read; ``for_ops`` tells addresses and also searches."""

    def __init__(
        self, tenant: Tenant, credentials: Credentials, *, order: tuple[str, str] | None = None, for_ops: bool = False
    ) -> None:
        self.tenant, self.credentials = tenant, credentials
        self.unit, self.order = order or (CHECK_ID, CHECK_ID)
        self.named = order is not None
        self.for_ops = for_ops
        self._checks: list[Callable[[], str]] = []

    def run(self) -> Iterator[Step]:
        """The steps as they are done, up to the first that fails."""
        return self._until_one_fails(self._steps(Deadline.after(allowed_seconds(self.tenant))))

    def reach(self) -> Iterator[Step]:
        """The first of them only: the way there, and a token."""
        return self._until_one_fails(self._reach(Deadline.after(allowed_seconds(self.tenant))))

    def _until_one_fails(self, steps: Iterator[Act]) -> Iterator[Step]:
        for name, act in steps:
            done = self._done(name, act)
            yield done
            if not done.ok:
                return

    def _reach(self, deadline: Deadline) -> Iterator[Act]:
        yield from self._way(deadline)
        if isinstance(self.credentials, ClientCredentials):
            yield "token", lambda: self._token(deadline)

    def _steps(self, deadline: Deadline) -> Iterator[Act]:
        yield from self._reach(deadline)
        yield "read", lambda: self._read(deadline)
        if self.for_ops:
            yield "search", lambda: self._search(Deadline.after(allowed_seconds(self.tenant)))
        yield "contract", self._contract

    def _way(self, deadline: Deadline) -> Iterator[Act]:
        probes: list[Probe] = []

        def resolve() -> str:
            probes.append(Probe(self.tenant.external_url, private_allowed=True, deadline=deadline))
            return probes[0].resolve()

        yield "resolve", resolve
        with probes[0] as probe:
            yield "connect", probe.connect
            if probe.encrypted:
                yield "tls", probe.handshake

    def _done(self, name: str, act: Callable[[], str]) -> Step:
        began = time.monotonic()
        try:
            ok, detail = True, act()
        except (OutgoingError, PartnerTokenError) as error:
            ok, detail = False, str(error) if self.for_ops else problem_of_error(error).detail
        except Problem as problem:
            faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in problem.errors[:5])
            ok, detail = False, f"{problem.detail} {faults}".strip()
        except _StepError as failed:
            ok, detail = False, str(failed)
        shown = detail if self.for_ops or not ok else ""
        return Step(name, ok, round((time.monotonic() - began) * 1000), shown)

    def _token(self, deadline: Deadline) -> str:
        if not isinstance(self.credentials, ClientCredentials):
            return "not needed"
        call = order_call(self.tenant, self.unit, self.order)
        granted = request_token(self.credentials, call=call, deadline=deadline)
        return f"granted, by client authentication in the {'header' if granted.form == 'basic' else 'body'}"

    def _read(self, deadline: Deadline) -> str:
        call = order_call(self.tenant, self.unit, self.order)
        answer = exchange(call, credentials=self.credentials, deadline=deadline)
        if answer.status == 404 and not self.named:
            return "authorized; the order asked for does not exist (404), as expected"
        _want_200(answer)
        self._checks.append(lambda: self._order_kept(answer))
        return f"answered 200, {len(answer.body)} bytes"

    def _search(self, deadline: Deadline) -> str:
        body = json.dumps({"customerOrderId": self.order}).encode()
        answer = exchange(search_call(self.tenant, self.unit, body), credentials=self.credentials, deadline=deadline)
        _want_200(answer)
        self._checks.append(lambda: self._page_kept(answer))
        return f"answered 200, {len(answer.body)} bytes"

    def _contract(self) -> str:
        kept = [check() for check in self._checks]
        if not self.named:
            kept.append("no order was named, so none was checked")
        return "; ".join(kept)

    def _order_kept(self, answer: Answer) -> str:
        order_of(self.tenant, answer, customer_order_id=self.order)
        return f"order {self.order} is as the contract has it"

    def _page_kept(self, answer: Answer) -> str:
        wanted = Asked(b"", SearchCriteria(customer_order_id=self.order), self.tenant.status_map)
        page = page_of(self.tenant, answer, wanted, skip=0, take=200)
        return f"the search is as the contract has it and found {len(page.orders)}"


def _want_200(answer: Answer) -> None:
    if answer.status in (401, 403):
        raise _StepError(f"The external service refuses these credentials ({answer.status}).")
    if answer.status != 200:
        raise _StepError(f"The external service answered {answer.status}.")
