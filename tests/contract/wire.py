"""The hub as `make serve` starts it, and bytes written to its socket as they are, without any client's good manners."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import AccessToken

from orders.access.clients import ClientEntry, save_client
from orders.models import OrderEvent, Tenant
from orders.models.tenants import TENANT_SCOPES
from tests.api_fixtures import SECRET
from tests.bodies import body
from tests.processes import HubProcess, free_port

TOKEN = "token-of-the-wire"  # of a tenant that lives as long as these tests
ORDERS = "/api/v1/business-units/store-1/customer-orders"
SMUGGLED = "smuggled"
QUIET_SECONDS = 0.4
"""After an answer that leaves the connection open: long enough for a second answer, which takes some 5 ms."""
PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        """The name of the problem, "" where the body is none."""
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            return ""
        return str(json.loads(self.body)["type"]).rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Every answer that came back over one connection, and whether the server closed it."""

    answers: list[Answer]
    closed: bool
    seconds: float

    @property
    def outcome(self) -> list[tuple[int, str]]:
        return [(answer.status, answer.problem) for answer in self.answers]


class Wire:
    def __init__(self, port: int, process: HubProcess) -> None:
        self.port, self.process = port, process

    def send(self, sent: bytes, *, ended: bool = False) -> Exchange:
        """Writes the bytes and reads until the server closes or falls silent. ``ended``: no more will come."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(sent)
                if ended:
                    connection.shutdown(socket.SHUT_WR)
            got, closed = _read(connection)
        return Exchange(list(_answers(got)), closed, time.monotonic() - began)

    def ask(self, method: str, target: str, *headers: str, sent: bytes = b"") -> Answer:
        """One request with the token, after which the connection ends; its one answer."""
        own = ["Connection: close", f"Authorization: Bearer {TOKEN}"]
        if not any(header.lower().startswith("host:") for header in headers):
            own.append("Host: 127.0.0.1")
        if sent:
            own.append(f"Content-Length: {len(sent)}")
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *own, *headers])
        (answer,) = self.send(head.encode("latin-1") + b"\r\n\r\n" + sent).answers
        return answer


def put(order_id: str, *headers: str, length: bool = True, sent: bytes | None = None) -> bytes:
    """A whole PUT of an order that the hub would take, but for the headers added to it."""
    sent = body(order_id) if sent is None else sent
    own = [f"Content-Length: {len(sent)}"] if length else []
    lines = [
        f"PUT {ORDERS}/{order_id} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/json", *own, *headers,
    ]  # fmt: skip
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + sent


def smuggled() -> bytes:
    """What must never be taken for a request of its own."""
    return put(SMUGGLED)


def stored() -> list[str]:
    """The ids of the orders of which an event was accepted."""
    return sorted(OrderEvent.objects.values_list("queue__customer_order_id", flat=True))


@contextlib.contextmanager
def serving(environ: dict[str, str], log, sizes: dict[str, str]) -> Iterator[Wire]:
    """The hub with web processes and threads of these numbers, and a tenant in events mode with the token above."""
    make_tenant()
    port = free_port()
    settings = {"PORT": str(port), "HUB_BIND": "127.0.0.1"} | sizes
    with HubProcess([sys.executable, "manage.py", "serve"], environ=environ | settings, log=log) as process:
        process.wait_for_status(f"http://127.0.0.1:{port}/readyz")
        yield Wire(port, process)


def make_tenant() -> None:
    tenant = Tenant.objects.create(slug="wired", name="Wired", mode="events")
    entry = ClientEntry(client_id="wire", scopes=list(TENANT_SCOPES), client_secret=SECRET)
    client = save_client(tenant, entry).client
    AccessToken.objects.create(
        application=client, token=TOKEN, scope=" ".join(TENANT_SCOPES), expires=timezone.now() + timedelta(hours=1)
    )


def _read(connection: socket.socket) -> tuple[bytes, bool]:
    got = bytearray()
    connection.settimeout(PATIENCE_SECONDS)
    while True:
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            return bytes(got), False
        except ConnectionResetError:
            return bytes(got), True
        if not piece:
            return bytes(got), True
        got += piece
        if _is_whole(bytes(got)):
            connection.settimeout(QUIET_SECONDS)


def _is_whole(got: bytes) -> bool:
    head, found, rest = got.partition(b"\r\n\r\n")
    return bool(found) and len(rest) >= _length(head)


def _length(head: bytes) -> int:
    return int(_headers(head).get("content-length", 0))


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _answers(got: bytes) -> Iterator[Answer]:
    """The answers one after another; what is no answer fails."""
    while got:
        head, found, rest = got.partition(b"\r\n\r\n")
        assert found, got[:200]
        assert head.startswith(b"HTTP/1."), got[:200]
        status, length = int(head[9:12]), _length(head)
        if status == 100:
            got = rest
            continue
        yield Answer(status, _headers(head), rest[:length])
        got = rest[length:]
