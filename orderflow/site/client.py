"""Speaking to one tenant's OrderFlow site: addresses, credentials, scopes (docs/reference/orderflow.md#transport).

Answers are read by ``orderflow.site.reports``. A call that got no answer is a Trouble like any other.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

from orderflow.models import OrderFlowChannel
from orderflow.site.credentials import password_of
from orderflow.site.reads import DespatchNote, Stock, despatch_notes, stock_list
from orderflow.site.reports import (
    REFUSED_BY_STATUS,
    CancelAnswer,
    ImportReport,
    Kind,
    NoSuchOrder,
    OrderDetail,
    Trouble,
    cancel_answer,
    import_report,
    order_detail,
)
from orderflow.site.xml_answers import as_utf_8
from orders.access.sealing import SecretLost
from orders.outgoing import Answer, Call, Deadline, Misconfigured, OutgoingError, TooLarge, asked_wait, send
from orders.values.storable_text import response_cut

CALL_SECONDS = 300.0
"""Imports are synchronous and slow: field clients wait minutes (docs/reference/orderflow.md#transport)."""
CANCEL_PATH = "/remoteorder/order/cancel.xml"
DETAIL_PATH = "/remoteorder/order/detail.xml"
DESPATCHES_PATH = "/remoteorder/shipment/despatches.xml"
INVENTORY_PATH = "/remotewarehouse/inventory.xml"
EXPLAINED = frozenset(range(1000)) - REFUSED_BY_STATUS
"""The statuses whose text says what they mean."""

Meaning = TypeVar("Meaning")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, or the want of one: what it means is in ``trouble`` or read from ``body``."""

    status: int | None = None
    body: bytes = b""
    retry_after: float | None = None
    trouble: Trouble | None = None
    oversized: bool = False
    """True where an answer came that is larger than the hub reads: asking for less may help."""

    @property
    def cut(self) -> str:
        return response_cut(self.body)


@dataclass(frozen=True, slots=True)
class Site:
    """Everything a call needs, read from the database before the network is touched."""

    base_url: str
    destination: str
    credentials: Mapping[str, str] = field(repr=False)
    order_path: str
    order_scope: Mapping[str, str]
    product_path: str
    product_scope: Mapping[str, str]

    def imports(
        self, kind: Literal["order", "product"], document: bytes, *, items: int, deadline: Deadline
    ) -> tuple[ImportReport | Trouble, Reply]:
        path, scope = (
            (self.order_path, self.order_scope) if kind == "order" else (self.product_path, self.product_scope)
        )
        headers = {**scope, "Content-Type": "application/xml", "Accept": "text/xml, application/xml"}
        reply = self._call("POST", path, headers, document, deadline=deadline)
        if reply.trouble is not None:
            return reply.trouble, reply
        return import_report(reply.status or 0, reply.body, items=items), reply

    def detail(
        self, reference: str, *, lines: int, deadline: Deadline
    ) -> tuple[OrderDetail | NoSuchOrder | Trouble, Reply]:
        path = f"{DETAIL_PATH}?externalReference={quote(reference, safe='')}"
        reply = self._call("GET", path, self.order_scope, None, deadline=deadline)
        if reply.trouble is not None:
            return reply.trouble, reply
        return order_detail(reply.status or 0, reply.body, reference=reference, items=lines), reply

    def cancel(self, reference: str, *, deadline: Deadline) -> tuple[CancelAnswer | Trouble, Reply]:
        """Cancels so that the reference is free for a later import of the same order."""
        form = urlencode({"externalReference": reference, "cancelChangesExternalReference": "true"}).encode()
        headers = {**self.order_scope, "Content-Type": "application/x-www-form-urlencoded"}
        reply = self._call("POST", CANCEL_PATH, headers, form, deadline=deadline)
        if reply.trouble is not None:
            return reply.trouble, reply
        return cancel_answer(reply.status or 0, reply.body), reply

    def despatches(
        self, since: str, until: str, *, deadline: Deadline
    ) -> tuple[Sequence[DespatchNote] | Trouble, Reply]:
        """Shipments completed between two times of the site's zone, both included."""
        query = urlencode({"from": since, "to": until, "includeOrderLines": "true"})
        reply = self._call("GET", f"{DESPATCHES_PATH}?{query}", self.order_scope, None, deadline=deadline)
        if reply.trouble is not None:
            return reply.trouble, reply
        return despatch_notes(reply.status or 0, reply.body), reply

    def inventory(self, skus: Sequence[str], *, deadline: Deadline) -> tuple[Sequence[Stock] | Trouble, Reply]:
        query = urlencode({"externalReferences": ",".join(skus)})
        reply = self._call("GET", f"{INVENTORY_PATH}?{query}", self.product_scope, None, deadline=deadline)
        if reply.trouble is not None:
            return reply.trouble, reply
        return stock_list(reply.status or 0, reply.body, items=len(skus)), reply

    def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, deadline: Deadline
    ) -> Reply:
        call = Call(
            method,
            self.base_url + path,
            headers={**headers, **self.credentials},
            body=body,
            destination=self.destination,
            needs_body_of=EXPLAINED,
        )
        try:
            return _reply(send(call, deadline=deadline))
        except OutgoingError as error:
            return Reply(error.status, trouble=_trouble(error), oversized=isinstance(error, TooLarge))


def site_of(channel: OrderFlowChannel) -> Site | Trouble:
    """The channel's site with its credentials, or what must be set before anything can be sent."""
    try:
        password = password_of(channel)
    except SecretLost as lost:
        return Trouble(Kind.MISCONFIGURED, str(lost), partner=False)
    if password is None:
        text = f"The password of OrderFlow channel {channel} is not set. Enter it, then resume the channel."
        return Trouble(Kind.MISCONFIGURED, text, partner=False)
    return Site(
        base_url=channel.base_url.rstrip("/"),
        destination=f"orderflow:{channel.destination_id}",
        credentials=_credentials(channel, password),
        order_path=_path(channel.order_path),
        order_scope={"channel": channel.channel},
        product_path=_path(channel.product_path),
        product_scope=_product_scope(channel),
    )


def _path(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _product_scope(channel: OrderFlowChannel) -> dict[str, str]:
    if channel.product_header == channel.Header.ORGANISATION:
        return {"organisation": channel.organisation}
    return {"channel": channel.channel}


def _credentials(channel: OrderFlowChannel, password: str) -> dict[str, str]:
    """One of two forms per channel (docs/reference/orderflow.md#transport)."""
    if channel.auth_type == channel.AuthType.BASIC:
        pair = base64.b64encode(f"{channel.username}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"user": channel.username, "password": base64.b64encode(password.encode()).decode()}


def _reply(answer: Answer) -> Reply:
    in_utf_8 = replace(answer, body=as_utf_8(answer.body, answer.headers.get("Content-Type", "")))
    return Reply(answer.status, in_utf_8.shown, retry_after=asked_wait(answer.headers, now=datetime.now(UTC)))


def _trouble(error: OutgoingError) -> Trouble:
    if isinstance(error, Misconfigured):
        return Trouble(Kind.MISCONFIGURED, f"OrderFlow cannot be called: {error}.", partner=False)
    if isinstance(error, TooLarge):
        return Trouble(Kind.UNAVAILABLE, f"OrderFlow's answer cannot be read: {error}.", partner=False)
    return Trouble(Kind.UNAVAILABLE, f"OrderFlow did not answer: {error}.", partner=True)
