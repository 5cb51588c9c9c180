"""Trying the way to a partner step by step, for a person who asks why it does not work."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType

from orders.outgoing.addresses import Policy, permitted_places
from orders.outgoing.deadline import Deadline
from orders.outgoing.errors import ConnectionCut
from orders.outgoing.session import check_url
from orders.outgoing.wire import Guard, tls_context, tls_error


class Probe:
    """The steps below a request, one method each; each returns what it found or raises one of ``outgoing.errors``."""

    def __init__(self, url: str, *, private_allowed: bool, deadline: Deadline) -> None:
        parts = check_url(url)
        self.encrypted = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self.encrypted else 80)
        self._private_allowed = private_allowed
        self._deadline = deadline
        self._socket: socket.socket | None = None

    def resolve(self) -> str:
        policy = Policy.of(private_allowed=self._private_allowed)
        places = permitted_places(self._host, self._port, policy=policy, deadline=self._deadline)
        return f"{self._host} is " + ", ".join(dict.fromkeys(str(place.sockaddr[0]) for place in places))

    def connect(self) -> str:
        guard = Guard(private_allowed=self._private_allowed)
        guard.begin(self._deadline, most=0)
        self._socket = guard.connect(self._host, self._port)
        return "connected to {}, port {}".format(*self._socket.getpeername()[:2])

    def handshake(self) -> str:
        """After ``connect``."""
        if self._socket is None:
            raise ConnectionCut(f"There is no connection to {self._host}")
        try:
            self._socket = wrapped = tls_context().wrap_socket(self._socket, server_hostname=self._host)
        except TimeoutError:
            raise self._deadline.exceeded() from None
        except ssl.SSLError as error:
            raise tls_error(self._host, error, told=str(error)) from None
        except OSError as error:
            raise ConnectionCut(f"{self._host} closed the connection in the handshake: {error}") from None
        expiry = (wrapped.getpeercert() or {}).get("notAfter", "?")
        return f"{wrapped.version()}, certificate valid until {expiry}"

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._socket is not None:
            self._socket.close()
