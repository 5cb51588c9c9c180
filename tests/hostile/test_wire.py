"""Several hundred answers of partners, over real sockets, to each caller of the hub: what the hub makes of each is what
the table says."""

from __future__ import annotations

import re
import socket
import struct
from collections import Counter

import pytest

from orderflow.site.client import Site
from orderflow.site.reports import ImportReport, Kind
from orders.integrations.channels import Verdict
from orders.models import Delivery, Destination, Tenant
from orders.outgoing import Call, Deadline, DeadlineExceeded, OutgoingError
from orders.outgoing.token_requests import ClientCredentials, TokenRefused, TokenUnusable, request_token
from orders.values.problems import Problem
from proxy import forwarding
from proxy.contract import order_of
from proxy.credentials import Login
from proxy.failures import problem_of_error, problem_of_status
from suppliers.webhooks import channel as webhooks
from suppliers.webhooks.webhook_secrets import Target
from tests.hostile.partner_calls import SIGNING
from tests.hostile.wire_cases import FIN, JSON_TYPE, RST, STALL, XML_TYPE, cases
from tests.orders.wire_server import wire_server

ORDER = b'{"customerOrder":{"customerOrderId":"1001","customerId":"c","status":"NEW","items":[]}}'
TOKEN = b'{"access_token":"a-token","token_type":"Bearer","expires_in":3600}'
IMPORTED = (
    b'<importResult><importSuccesses><import type="order" operation="insert" externalReference="1001" entity="1"/>'
    b"</importSuccesses></importResult>"
)
STALL_SECONDS, CALL_SECONDS = 0.15, 20.0
"""A call whose partner falls silent is given so long; any other would only be late on a busy machine."""


def read(url, seconds):
    tenant = Tenant(pk=7, slug="acme", external_url=url)
    call = forwarding.order_call(tenant, "store-1", "1001")
    try:
        answer = forwarding.exchange(call, credentials=Login("hub", "password"), deadline=Deadline.after(seconds))
        if answer.status != 200:
            raise problem_of_status(answer, searching=False)
        order_of(tenant, answer, customer_order_id="1001")
    except OutgoingError as error:
        return problem_of_error(error).status
    except Problem as problem:
        return problem.status
    return 200


def right_read(case):
    if case.status is None or (case.status == 200 and not case.whole):
        return 504 if case.end == STALL else 502
    return {200: 200, 404: 404}.get(case.status, 502)


def post(url, seconds):
    webhooks.CALL_SECONDS = seconds
    target = Target(url, (SIGNING,))
    delivery = Delivery(payload="{}", sequence=1, kind="order_created")
    outcome = webhooks.post_event(delivery, target, destination=Destination(pk=3))
    return outcome.verdict


def right_post(case):
    """The status is the verdict, whatever comes behind it."""
    if case.status == 401:
        return Verdict.MISCONFIGURED
    return Verdict.DELIVERED if case.status == 200 else Verdict.UNAVAILABLE


def imports(url, seconds):
    site = Site(url, "orderflow:5", {"user": "hub"}, "/i", {}, "/p", {})
    meaning, _ = site.imports("order", b"<imports/>", items=1, deadline=Deadline.after(seconds))
    return "imported" if isinstance(meaning, ImportReport) and meaning.successes else meaning.kind


def right_import(case):
    if case.status == 401 or (case.status == 404 and case.whole):
        return Kind.MISCONFIGURED
    return "imported" if case.status == 200 and case.whole else Kind.UNAVAILABLE


def token(url, seconds):
    credentials = ClientCredentials(url + "/token", "hub", "plain-secret")
    try:
        return request_token(credentials, call=Call("GET", url), deadline=Deadline.after(seconds)).token
    except (TokenRefused, TokenUnusable) as error:
        return type(error)
    except DeadlineExceeded:
        return "late"
    except OutgoingError:
        return "unavailable"


def right_token(case):
    if case.status is None or (case.status == 200 and not case.whole):
        return "late" if case.end == STALL else "unavailable"
    return {200: "a-token", 401: TokenRefused}.get(case.status, TokenUnusable)


def read_calls(case):
    """A read is asked again only where no byte of an answer came."""
    return 1 if case.began or case.end == STALL else 2


def token_calls(case):
    """The second form of client authentication follows a refusal."""
    return 2 if case.status == 401 else 1


def one_call(case):
    return 1


CALLERS = {
    "read": (read, right_read, read_calls, ORDER, JSON_TYPE),
    "webhook": (post, right_post, one_call, b"thanks", "text/plain"),
    "import": (imports, right_import, one_call, IMPORTED, XML_TYPE),
    "token": (token, right_token, token_calls, TOKEN, JSON_TYPE),
}


@pytest.mark.parametrize("caller", CALLERS)
def test_what_the_hub_makes_of_any_answer_is_what_the_table_says(caller, loopback, monkeypatch):
    """The callers keep their connections from one case to the next: no answer leaks into another."""
    monkeypatch.setattr(webhooks, "CALL_SECONDS", CALL_SECONDS)
    ask, right, calls, body, kind = CALLERS[caller]
    table = list(cases(body, kind))
    assert len(table) > 900
    wrong = []
    with wire_server(lambda connection, request: play(table[number_of(request)], connection)) as server:
        for number, case in enumerate(table):
            seconds = STALL_SECONDS if case.end == STALL else CALL_SECONDS
            found = ask(f"{server.url}/case-{number}", seconds)
            if found != right(case):
                wrong.append((case.name, found, right(case)))
        asked = Counter(map(number_of, server.requests))
    assert wrong == []
    assert {table[n].name: asked[n] for n in asked if asked[n] != calls(table[n])} == {}


def number_of(request):
    return int(re.search(rb"/case-(\d+)", request)[1])


def play(case, connection):
    for piece in case.pieces:
        connection.sendall(piece)
    if case.end == RST:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    elif case.end == FIN:
        connection.shutdown(socket.SHUT_WR)
