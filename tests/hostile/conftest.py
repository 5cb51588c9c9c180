"""The settings of production (no private network, no plain http), a resolver of the tests, an eye on every connect."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache

from orders.outgoing import partner_tokens, wire
from orders.outgoing.session import forget_sessions
from proxy import drift
from tests.hostile.spellings import NAMES


@pytest.fixture(autouse=True)
def _alone(settings, monkeypatch):
    """No token, connection or tally of another test."""
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    settings.HUB_OUTBOUND_ALLOW_HTTP = False
    monkeypatch.setattr(drift, "note", lambda *_: None)
    partner_tokens.forget_tokens()
    forget_sessions()
    cache.clear()


@pytest.fixture
def loopback(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True


@pytest.fixture
def dns(monkeypatch):
    """Names as the table says, which a test may change; numbers as the machine's own resolver reads them."""
    real, names = socket.getaddrinfo, {name: list(found) for name, found in NAMES.items()}

    def resolve(host, port, *args, flags=0, **more):
        if host in names and not flags & socket.AI_NUMERICHOST:
            found = names[host]
            return [row for text in (found() if callable(found) else found) for row in real(text, port, **more)]
        return real(host, port, *args, flags=flags | socket.AI_NUMERICHOST, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return names


@pytest.fixture
def connects(monkeypatch):
    """Where partners' sockets were connected to; none gets through. Other sockets of this process (Redis) do."""
    asked = []

    def connect(self, address):
        asked.append(address)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(wire.DeadlineSocket, "connect", connect)
    real = socket.socket.connect

    def other(self, address):
        redis = urlsplit(__import__("os").environ.get("REDIS_URL", "redis://none:1"))
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[1] != redis.port:
            asked.append(address)
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", other)
    return asked
