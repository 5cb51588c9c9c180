"""An OrderFlow site, simulated: a faithful opponent (docs/reference/orderflow.md).

Under any context path, e.g. ``http://127.0.0.1:8081/rtd2-host``:

    POST remoteorder/imports/importitems.xml       header channel
    POST remotewarehouse/imports/importitems.xml   header organisation (or channel)
    POST remoteorder/order/cancel.xml              form: externalReference, cancelChangesExternalReference
    GET  remoteorder/order/detail.xml?externalReference=
    GET  remoteorder/shipment/despatches.xml?from=&to=&includeOrderLines=true
    GET  remotewarehouse/inventory.xml?externalReferences=a,b

Steering it, beside ``/_received`` and ``/_fault``; ``GET /`` is a page:

    GET  /_state      {"orders": […], "products": […]}     DELETE empties it
    POST /_despatch   {"channel", "externalReference", "courier"?, "trackingUrl"?}
    POST /_stock      {"BEAN-1": 5}

Faults (orders/simulators/faults.py): ``lost`` imports and drops the connection; ``malformed``, ``truncated``, ``html``
and ``drip`` import and answer badly; ``drop`` and ``status=…`` do nothing. Its own words: ``exception`` and ``error``
(HTTP 200 with that root, nothing done; a value is the message) and ``omit`` (imports, but leaves all items, or the
references named, out of every section).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from orderflow.simulator import documents
from orderflow.simulator.checks import site_time
from orderflow.simulator.imports import DuplicateEntity, Import, ImportRefused, UnreadableImports, read_imports
from orderflow.simulator.site import Site
from orders.simulators.base import Simulator
from orders.simulators.faults import Fault
from orders.simulators.wire import Answer, Call, html_answer, json_answer, xml_answer

COURIERS = ("STANDARD", "EXPRESS")
PAGE_ROWS = 300

DuplicatesSection = Literal["importDuplicates", "importFailures"]


class SiteError(Exception):
    """The whole call is refused with an error document."""

    def __init__(self, message: str, *, status: int = 500, well_formed: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.well_formed = well_formed


class MockOrderFlow(Simulator):
    """One site. Its switches are attributes that may be changed while it runs."""

    name: ClassVar[str] = "mock_orderflow"
    fault_words: ClassVar[frozenset[str]] = frozenset({"exception", "error", "omit"})

    def __init__(
        self,
        *,
        port: int = 0,
        channels: Collection[str] = ("MYCHANNEL",),
        organisations: Collection[str] = ("altco",),
        users: Mapping[str, str] | None = None,
        couriers: Collection[str] = COURIERS,
        time_zone: str = "Europe/London",
    ) -> None:
        super().__init__(port=port)
        self.users = dict(users or {"hub": secrets.token_urlsafe(12)})
        self.site = Site(set(channels), set(organisations), set(couriers), ZoneInfo(time_zone))
        self.duplicates_section: DuplicatesSection = "importDuplicates"
        """Section 3 gives duplicates a section of their own; sites without it list them among the failures."""
        self.credentials_status = 412
        """Section 4: 412, 401 and 403 all mean wrong credentials."""
        self.errors_malformed = True
        """Whether the wrong-channel error has the stray end tag of the published sample."""

    @property
    def base_url(self) -> str:
        """What a channel's ``base_url`` is set to."""
        return f"{self.url}/rtd2-host"

    def banner(self) -> str:
        users = ", ".join(f"{name} {password}" for name, password in self.users.items())
        scopes = f"channel {', '.join(sorted(self.site.channels))}"
        if self.site.organisations:
            scopes += f" · organisation {', '.join(sorted(self.site.organisations))}"
        return f"mock_orderflow listens on {self.base_url} · user and password {users} · {scopes}"

    # Answering

    def delay_of(self, call: Call) -> float:
        return self.delay if call.method == "POST" else 0.0

    def refusal(self, call: Call, status: int) -> Answer:
        return xml_answer(documents.error("The site is being looked after"), status=status)

    def answer(self, call: Call, fault: Fault) -> Answer:
        if call.path == "/" and call.method == "GET":
            return self._page()
        try:
            return self._answer(call, fault)
        except SiteError as error:
            text = documents.error(error.message, well_formed=error.well_formed)
            return xml_answer(text, status=error.status)

    def _answer(self, call: Call, fault: Fault) -> Answer:
        operation = "/".join(call.segments[-3:])
        channel = self._admitted(call)
        for word, document in (("exception", documents.exception), ("error", documents.error)):
            if word in fault:
                return xml_answer(document(fault.words[word] or "Something went wrong inside the site"))
        match call.method, operation:
            case "POST", "remoteorder/imports/importitems.xml" | "remotewarehouse/imports/importitems.xml":
                return self._import(call, fault, channel)
            case "POST", "remoteorder/order/cancel.xml":
                return self._cancel(call, channel)
            case "GET" | "POST", _:
                return self._read(call, operation, channel)
        return xml_answer(documents.error(f"Request method '{call.method}' not supported"), status=405)

    def _read(self, call: Call, operation: str, channel: str) -> Answer:
        match operation:
            case "remoteorder/order/detail.xml":
                return self._detail(call, channel)
            case "remoteorder/shipment/despatches.xml":
                return self._despatches(call, channel)
            case _ if operation.endswith("remotewarehouse/inventory.xml"):
                references = _parameter(call, "externalReferences").split(",")
                return xml_answer(documents.inventory(self.site, references))
        return html_answer("HTTP Status 404", f"<p>{escape(call.path)} is not available.</p>", status=404)

    def _admitted(self, call: Call) -> str:
        """Credentials, then scope (sections 1 and 4); the channel, or "" where an organisation is named instead."""
        if not self._is_user(call):
            raise SiteError("No user for supplied user name and password combination", status=self.credentials_status)
        by_organisation = "remotewarehouse" in call.segments
        organisation = call.header("organisation") or _parameter(call, "organisation")
        if by_organisation and organisation:
            self._check_scope("organisation", organisation, known=self.site.organisations)
            return ""
        channel = call.header("channel") or _parameter(call, "channel")
        if not channel:
            wanted = "organisation" if by_organisation else "channel"
            raise SiteError(f"Expecting value for '{wanted}' request header or parameter")
        self._check_scope("channel", channel, known=self.site.channels)
        return channel

    def _check_scope(self, kind: str, name: str, *, known: Collection[str]) -> None:
        if name not in known:
            raise SiteError(
                f"Cannot authenticate '{name}'. \n        Does not match list of authenticated {kind}",
                well_formed=not self.errors_malformed,
            )

    def _is_user(self, call: Call) -> bool:
        credentials = call.basic
        if credentials is None:
            try:
                password = base64.b64decode(call.header("password"), validate=True).decode()
            except ValueError:
                return False
            credentials = call.header("user"), password
        return credentials in self.users.items()

    def _import(self, call: Call, fault: Fault, channel: str) -> Answer:
        try:
            items = read_imports(call.body)
        except UnreadableImports:
            raise SiteError("Unable to load XML document from resource\n        [request body]") from None
        results = documents.Results()
        for item in items:
            outcome = self._taken(item, channel)
            if "omit" not in fault or (fault.words["omit"] and item.reference not in fault.names("omit")):
                self._list(results, item, outcome)
        return xml_answer(results.document(at=datetime.now(UTC).astimezone(self.site.zone)))

    def _taken(self, item: Import, channel: str) -> ImportRefused | None:
        try:
            self.site.take(item, channel=channel)
        except ImportRefused as refused:
            return refused
        return None

    def _list(self, results: documents.Results, item: Import, outcome: ImportRefused | None) -> None:
        if outcome is None:
            results.successes.append(item)
        elif isinstance(outcome, DuplicateEntity) and self.duplicates_section == "importDuplicates":
            results.duplicates.append((item, str(outcome)))
        else:
            results.failures.append((item, str(outcome)))

    def _cancel(self, call: Call, channel: str) -> Answer:
        reference = _parameter(call, "externalReference")
        frees = _parameter(call, "cancelChangesExternalReference") == "true"
        if self.site.cancel(channel, reference, frees_reference=frees):
            return xml_answer(documents.message(f"Order {reference} has been cancelled"))
        return xml_answer(documents.message(f"No cancel operation performed for order {reference}"))

    def _detail(self, call: Call, channel: str) -> Answer:
        reference = _parameter(call, "externalReference")
        order = self.site.order(channel, reference)
        if order is None:
            raise SiteError(f"No order found for external reference: {reference}")
        return xml_answer(documents.detail(order))

    def _despatches(self, call: Call, channel: str) -> Answer:
        first, last = _parameter(call, "from"), _parameter(call, "to")
        for name, value in (("from", first), ("to", last)):
            try:
                _ = value and site_time(name, value)
            except ImportRefused as refused:
                raise SiteError(str(refused)) from None
        with_lines = _parameter(call, "includeOrderLines") == "true"
        return xml_answer(
            documents.despatches(self.site.despatches(channel, first=first, last=last), with_lines=with_lines)
        )

    # Steering and looking

    def control(self, call: Call) -> Answer | None:
        match call.method, call.path:
            case "DELETE", "/_state":
                self.site.clear()
            case "POST", "/_despatch":
                self._despatch(call.json_object())
            case "POST", "/_stock":
                self.site.stock.update({name: int(count) for name, count in call.json_object().items()})
            case "GET", "/_state":
                pass
            case _:
                return None
        return json_answer(self.site.as_json())

    def _despatch(self, data: dict[str, Any]) -> None:
        self.site.despatch(
            str(data.get("channel")),
            str(data.get("externalReference")),
            courier=str(data.get("courier") or ""),
            tracking_url=str(data.get("trackingUrl") or ""),
        )

    def _page(self) -> Answer:
        state = self.site.as_json()
        orders = [
            (
                each["channel"],
                each["externalReference"],
                each["state"],
                ", ".join(f"{line['quantity']} x {line['product']}" for line in each["lines"]),
                each["completed"],
            )
            for each in state["orders"]
        ]
        products = [
            (
                each["externalReference"],
                each["scope"].strip(":") or "everybody",
                each["properties"].get("description", ""),
                " of ".join(self.site.counted(each["externalReference"])),
            )
            for each in state["products"]
        ]
        links = " · ".join(f'<a href="{path}">{path}</a>' for path in ("/_state", "/_received", "/_fault"))
        return html_answer(
            "Mock OrderFlow",
            f"<p>{len(orders)} orders, {len(products)} products · {links}</p>"
            + _table(("Channel", "Order", "State", "Lines", "Despatched"), orders)
            + _table(("Product", "Of", "Description", "Available"), products),
        )


def _table(heads: Collection[str], rows: Sequence[tuple[str, ...]]) -> str:
    """The newest rows first."""
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[-PAGE_ROWS:][::-1])
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(lines)}</table><br>"


def _parameter(call: Call, name: str) -> str:
    return call.form.get(name) or call.query.get(name) or ""
