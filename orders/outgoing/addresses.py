"""Which addresses the hub may connect to (docs/design/outgoing.md#addresses).

A name is resolved once per connection, every address is judged, and the connection goes to a judged address: a name
that answers differently a moment later (rebinding) gains nothing. Addresses that carry an IPv4 address inside are
judged by it; decimal, octal and hexadecimal spellings are what the resolver makes of them. Written here, because the
call's one deadline also bounds the resolving and connecting, which a library's adapter does by itself.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from orders.outgoing.deadline import Deadline
from orders.outgoing.errors import Refused, Unresolved

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NEVER_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",  # RFC 6598, carriers' inside networks
        "168.63.129.16/32",  # Azure's metadata and platform service, a public number
        "192.0.0.0/24",  # RFC 6890; also a cloud metadata service
        "192.88.99.0/24",  # RFC 7526, 6to4 relays
        "64:ff9b:1::/48",  # RFC 8215, local NAT64
        "2001::/23",  # RFC 2928, Teredo and other protocol assignments
        "3fff::/20",  # RFC 9637, documentation
    )
)
"""Not reachable by the public, whatever the standard library of the running Python says."""

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
CARRIES_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""RFC 6052 (NAT64) and the old IPv4-compatible form: the last 32 bits are the IPv4 address."""


@dataclass(frozen=True, slots=True)
class Place:
    """One address that a connection may go to, as ``socket`` wants it."""

    family: int
    sockaddr: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The networks besides the public Internet that this call may reach. ``tells`` is False where a tenant chose the
    address: it is not told which names exist in our network, and neither is anything that it can read or measure."""

    allowed: Sequence[Network]
    tells: bool = True

    @classmethod
    def of(cls, *, private_allowed: bool) -> Policy:
        return cls(settings.HUB_OUTBOUND_ALLOWED_NETWORKS if private_allowed else (), tells=private_allowed)

    def permits(self, address: Address) -> bool:
        inner = unwrapped(address)
        listed = any(one in network for network in self.allowed for one in (address, inner))
        return listed or is_public(inner)


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, NAT64 or IPv4-compatible one; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in SIX_TO_FOUR:
        return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if any(address in network for network in CARRIES_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or any(address in network for network in NEVER_PUBLIC):
        return False
    return isinstance(address, ipaddress.IPv4Address) or address in GLOBAL_UNICAST


def permitted_places(host: str, port: int, *, policy: Policy, deadline: Deadline) -> list[Place]:
    """Where a connection to the host may go. Raises Unresolved, Refused or DeadlineExceeded."""
    try:
        found = resolve(host, port, deadline=deadline)
    except Unresolved:
        if policy.tells:
            raise
        found = []
    places = [place for place in found if policy.permits(_address(place))]
    if places:
        return places
    if not policy.tells:
        raise Refused(
            f"{host} has no public address, and what a tenant entered is asked at no other. Ops may enter it, and add "
            "its network to HUB_OUTBOUND_ALLOWED_NETWORKS"
        )
    where = ", ".join(sorted({str(_address(place)) for place in found}))
    raise Refused(
        f"{host} is {where}, no public address. If this partner is meant to be there, "
        "add its network to HUB_OUTBOUND_ALLOWED_NETWORKS"
    )


def _address(place: Place) -> Address:
    return ipaddress.ip_address(str(place.sockaddr[0]).partition("%")[0])


def resolve(host: str, port: int, *, deadline: Deadline) -> list[Place]:
    """All TCP addresses of a host. Numbers need no lookup; a name's lookup is waited for until the deadline only."""
    try:
        return _lookup(host, port, flags=socket.AI_NUMERICHOST)
    except OSError:
        return _lookup_in_time(host, port, deadline=deadline)


def _lookup(host: str, port: int, *, flags: int = 0) -> list[Place]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [
        Place(family, sockaddr) for family, _, _, _, sockaddr in rows if family in (socket.AF_INET, socket.AF_INET6)
    ]


def _lookup_in_time(host: str, port: int, *, deadline: Deadline) -> list[Place]:
    """``getaddrinfo`` knows no timeout, so it runs in a thread of its own, left behind if it is too slow."""
    answers: queue.SimpleQueue[list[Place] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            answers.put(_lookup(host, port))
        except (OSError, UnicodeError) as failure:
            answers.put(failure)

    threading.Thread(target=look, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.remaining())
    except queue.Empty:
        raise deadline.exceeded() from None
    if isinstance(answer, Exception) or not answer:
        raise Unresolved(f"The name {host} could not be resolved; check the spelling and the hub's DNS")
    return answer
