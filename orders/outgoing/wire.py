"""Connections that go only to permitted addresses and keep one deadline over everything they do.

``requests`` and urllib3 give a timeout to each single read, so a partner that drips a byte a second is never too late.
Here every read and write of the socket is given the time that is left of the whole call. The judging of addresses sits
in the connection too: there is no moment between judging and connecting. TLS still checks the host name, since the
connection keeps it and only the socket knows the number.
"""

from __future__ import annotations

import socket
import ssl
import threading
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
import requests.adapters
import requests.structures
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool, HTTPSConnectionPool

from orders.outgoing.addresses import Place, Policy, permitted_places
from orders.outgoing.deadline import Deadline
from orders.outgoing.errors import ConnectFailed, ConnectionCut, OutgoingError, TlsFailed, TooLarge
from orders.outgoing.heads import GuardedResponse


class Guard:
    """What the connections of one session obey; each call begins with its own deadline and number of bytes."""

    def __init__(self, *, private_allowed: bool) -> None:
        self.private_allowed = private_allowed
        self.begin(Deadline.after(0), most=0)

    def begin(self, deadline: Deadline, *, most: int) -> None:
        self.deadline, self.most, self._left = deadline, most, most

    @property
    def has_received(self) -> bool:
        """Whether any byte of the answer has come; those of a handshake are none."""
        return self._left < self.most

    def received(self, count: int) -> None:
        """Raises TooLarge when more has come over the wire than the call may read."""
        self._left -= count
        if self._left < 0:
            raise TooLarge(f"More than {self.most:,} bytes came without the answer's end")

    def connect(self, host: str, port: int) -> socket.socket:
        """A connected socket to a permitted address of the host, trying one after the other."""
        policy = Policy.of(private_allowed=self.private_allowed)
        places = permitted_places(host, port, policy=policy, deadline=self.deadline)
        failure = ""
        for number, place in enumerate(places):
            try:
                return self._connect(place, share=len(places) - number)
            except OSError as error:
                failure = error.strerror or str(error)
        self.deadline.remaining()
        raise ConnectFailed(f"{host}:{port} cannot be connected to: {failure}")

    def _connect(self, place: Place, *, share: int) -> socket.socket:
        """``share``: how many addresses are left to try; a dead one may use up only its part of the time."""
        sock = DeadlineSocket(place.family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(self.deadline.remaining() / share)
            sock.connect(place.sockaddr)
            sock.guard = self
            sock.settimeout(self.deadline.remaining())
        except (OSError, OutgoingError):
            sock.close()
            raise
        return sock


class _Timed:
    """Mixed into the two socket classes: each read and write gets what is left of the call's time."""

    guard: Guard | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        count = int(self._timed(super().recv_into, *args, **kwargs))  # type: ignore[misc]
        if self.guard is not None:
            self.guard.received(count)
        return count

    def send(self, *args: Any, **kwargs: Any) -> int:
        return int(self._timed(super().send, *args, **kwargs))  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._timed(super().sendall, *args, **kwargs)  # type: ignore[misc]

    def _timed(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        if self.guard is None:
            return operation(*args, **kwargs)
        deadline = self.guard.deadline
        self.settimeout(deadline.remaining())  # type: ignore[attr-defined]
        try:
            return operation(*args, **kwargs)
        except TimeoutError:
            raise deadline.exceeded() from None


class DeadlineSocket(_Timed, socket.socket):
    pass


class DeadlineTlsSocket(_Timed, ssl.SSLSocket):
    pass


class GuardedConnection(HTTPConnection):
    guard: Guard
    response_class = GuardedResponse

    def _new_conn(self) -> socket.socket:
        return self.guard.connect(self._dns_host, self.port)


class GuardedTlsConnection(HTTPSConnection):
    guard: Guard
    response_class = GuardedResponse

    def _new_conn(self) -> socket.socket:
        return self.guard.connect(self._dns_host, self.port)

    def connect(self) -> None:
        """The handshake keeps the time set on the plain socket; from then on the guard watches."""
        super().connect()
        if isinstance(self.sock, DeadlineTlsSocket):
            self.sock.guard = self.guard


class _GuardedPool(HTTPConnectionPool):
    guard: Guard

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        connection.guard = self.guard  # type: ignore[attr-defined]
        return connection


class GuardedHttpPool(_GuardedPool):
    ConnectionCls = GuardedConnection


class GuardedHttpsPool(_GuardedPool, HTTPSConnectionPool):
    ConnectionCls = GuardedTlsConnection


class GuardedPoolManager(urllib3.PoolManager):
    def __init__(self, *, guard: Guard, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.guard = guard
        self.pool_classes_by_scheme = {"http": GuardedHttpPool, "https": GuardedHttpsPool}

    def _new_pool(self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None) -> Any:
        pool: ConnectionPool = super()._new_pool(scheme, host, port, request_context)
        pool.guard = self.guard  # type: ignore[attr-defined]
        return pool


class GuardedAdapter(requests.adapters.HTTPAdapter):
    """The transport of one session: one connection per host, since a session belongs to one thread."""

    POOLS = 4  # hosts one destination speaks to: its own and its token endpoint's, old and new while they change

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._known: dict[tuple[str, str], ConnectionPool] = {}
        super().__init__(pool_connections=self.POOLS, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = GuardedPoolManager(
            guard=self.guard, num_pools=connections, maxsize=maxsize, block=block, ssl_context=tls_context()
        )

    # What requests does here for every call (parsing the URL three times, cookies, proxies of the environment) takes a
    # tenth of a proxied read; none of it is wanted.

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """The pool of the URL's host, found by its text; one that the manager has closed meanwhile is made anew."""
        parts = urlsplit(request.url)
        pool = self._known.get(parts[:2])
        if pool is None or pool.pool is None:  # type: ignore[attr-defined]
            if len(self._known) >= self.POOLS:
                self._known.clear()
            pool = self._known[parts[:2]] = self.poolmanager.connection_from_url(request.url)
        return pool

    def request_url(self, request: Any, proxies: Any) -> str:
        return str(request.path_url)

    def build_response(self, req: Any, resp: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.raw = resp.status, resp
        response.headers = requests.structures.CaseInsensitiveDict(resp.headers)
        response.request, response.url = req, req.url
        return response

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The shared context verifies; loading the certificates anew for each connection takes longer than the call."""
        conn.cert_reqs = "CERT_REQUIRED"


CUT_BY_TLS = frozenset(
    {
        "UNEXPECTED_EOF_WHILE_READING",
        "TLSV1_ALERT_INTERNAL_ERROR",
        "TLSV1_ALERT_USER_CANCELLED",
        "SSLV3_ALERT_CLOSE_NOTIFY",
        "SSLV3_ALERT_BAD_RECORD_MAC",
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
    }
)
"""OpenSSL's reasons that say nothing about a certificate or a version: what a load balancer does while it restarts, and
bytes that were damaged on their way."""


def tls_error(host: str, error: object, *, told: str, began: bool = False) -> ConnectionCut | TlsFailed:
    """A handshake that was cut off, by FIN or by RST, is a cut; one that was refused is a wrong setting."""
    cut = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or getattr(error, "reason", "") in CUT_BY_TLS
    if cut:
        return ConnectionCut(f"{host} cut the encrypted connection: {told}", began=began)
    return TlsFailed(f"TLS with {host} failed: {told}")


def tls_context() -> ssl.SSLContext:
    """The one context of the process. Made under a lock: the first calls of many threads must not each make one."""
    with _context_lock:
        return _tls_context()


_context_lock = threading.Lock()


@cache
def _tls_context() -> ssl.SSLContext:
    """TLS 1.2 or newer; the certificates of certifi and those of the machine (``SSL_CERT_FILE``)."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = DeadlineTlsSocket
    return context
