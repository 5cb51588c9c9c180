"""No URL of a tenant leads the hub to the inside: the external URL of ops, and the authUrl that a tenant supplies."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from orders.cache import shared_cache
from orders.models import TimelineEntry
from orders.outgoing import Probe, addresses
from proxy import breaker
from tests.proxy.conftest import ORDER, set_oauth2

pytestmark = pytest.mark.django_db

PATH = "/api/v1/business-units/store-1/customer-orders/1001"
PLAIN = "The external service could not be asked. The hub may not connect to this address."

NAMES = {
    "inside.test": ["127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "private.test": ["10.0.0.1", "192.168.0.1"],
    "six.test": ["::1"],
    "unique-local.test": ["fd00:ec2::254"],
}
"""What the stub resolver says."""

INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f.0.0.1", "0x7f000001", "0", "localhost",
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "100.64.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[fd00::1]",
    "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", *NAMES,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _stub_dns(monkeypatch):
    """Names of the table only; numbers in every spelling are the real resolver's. No connection may be made."""
    real = addresses._lookup

    def lookup(host, port, *, flags=0):
        if flags or host == "localhost":
            return real(host, port, flags=flags)
        return [address_place(text, port) for text in NAMES[host]]

    monkeypatch.setattr(addresses, "_lookup", lookup)


def address_place(text, port):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return addresses.Place(family, (text, port) if family == socket.AF_INET else (text, port, 0, 0))


@pytest.fixture
def no_connection(monkeypatch):
    """But for the one to Redis, which is there before."""
    shared_cache.get("here")
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("connected"))


@pytest.fixture
def till(tenant, sign_in):
    return sign_in(tenant)


def refusal(till):
    """What the caller reads; ops find the reason on the order's timeline."""
    response = till.get(PATH)
    assert (response.status_code, response.json()["type"]) == (502, "urn:orderhub:problem:external-unavailable")
    return response.json()["detail"], TimelineEntry.objects.order_by("-pk").first().detail


@pytest.mark.parametrize("host", INSIDE)
def test_the_external_url_reaches_nothing_inside(till, tenant, basic, settings, no_connection, host):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    tenant.external_url = f"https://{host}/api/v1"
    tenant.save()
    plain, for_ops = refusal(till)
    assert plain == PLAIN
    assert "HUB_OUTBOUND_ALLOWED_NETWORKS" in for_ops


@pytest.mark.parametrize("host", INSIDE)
def test_a_tenants_auth_url_reaches_nothing_inside_whatever_ops_allowed(till, tenant, settings, no_connection, host):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network(text) for text in ("0.0.0.0/0", "::/0")]
    tenant.external_url = "https://oms.example.com/api/v1"
    tenant.save()
    set_oauth2(tenant, auth_url=f"https://{host}/token")
    plain, for_ops = refusal(till)
    assert plain == PLAIN
    assert "no public address" in for_ops


def test_at_the_tenants_own_host_the_allowed_network_is_reached(till, tenant, oauth2, oms):
    oms.add_order("store-1", ORDER)
    assert till.get(PATH).status_code == 200


def test_a_name_that_rebinds_between_two_calls_is_judged_again(till, tenant, basic, settings, monkeypatch):
    """Asked once for each connection, and the judged address is the one connected to."""
    answers = iter([["198.51.99.1"], ["127.0.0.1"]])
    connected = []

    def connect(self, address):
        connected.append(address[0])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setitem(NAMES, "rebind.test", [])
    monkeypatch.setattr(addresses, "_lookup_in_time", lambda host, port, *, deadline: [
        address_place(text, port) for text in next(answers)
    ])  # fmt: skip
    monkeypatch.setattr(socket.socket, "connect", connect)
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    tenant.external_url = "https://rebind.test/api/v1"
    tenant.save()
    assert refusal(till)[0] == PLAIN
    assert connected == ["198.51.99.1"]


@pytest.mark.parametrize("on", ["GET ", "/oauth2/token"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed_not_even_to_a_permitted_place(till, oauth2, oms, on, status):
    oms.fail(status=status, on=on, times=None)
    assert till.get(PATH).status_code == 502
    assert len([call for call in oms.received if on.strip() in f"{call['method']} {call['path']}"]) == 1


def test_a_plain_http_url_is_refused_unless_allowed(till, tenant, basic, settings, no_connection):
    settings.HUB_OUTBOUND_ALLOW_HTTP = False
    plain, for_ops = refusal(till)
    assert plain == PLAIN
    assert "HUB_OUTBOUND_ALLOW_HTTP" in for_ops


ANSWERS = {"private": "10.0.0.1", "loopback": "127.0.0.1", "metadata": "169.254.169.254"}


@pytest.mark.parametrize("kind", [*ANSWERS, "open port", "closed port", "unknown name"])
def test_a_tenant_learns_nothing_of_the_inside_from_an_auth_url(till, tenant, settings, monkeypatch, kind):
    """Whether the name exists, and whether something listens there: problem, words, timeline and breaker are alike."""
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("0.0.0.0/0")]
    tenant.external_url = "https://oms.example.com/api/v1"
    tenant.save()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    shared_cache.get("here")
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("connected"))
    found = {"open port": "127.0.0.1", "closed port": "127.0.0.1", **ANSWERS}

    def lookup(host, port, *, flags=0):
        if flags or kind == "unknown name":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [address_place(found[kind], port)]

    monkeypatch.setattr(addresses, "_lookup", lookup)
    if kind == "closed port":
        listener.close()
    set_oauth2(tenant, auth_url=f"https://probe.test:{port}/token")
    with listener:
        plain, shown = refusal(till)
    assert plain == PLAIN
    assert shown == (
        "probe.test has no public address, and what a tenant entered is asked at no other. Ops may enter it, and add "
        "its network to HUB_OUTBOUND_ALLOWED_NETWORKS"
    )
    assert breaker._view(tenant.pk).failures == 0


@pytest.mark.parametrize("kind", ["private", "unknown name"])
def test_a_verification_tells_a_tenant_no_more(till, tenant, settings, monkeypatch, kind):
    tenant.external_url = "https://oms.example.com/api/v1"
    tenant.save()
    monkeypatch.setattr(Probe, "resolve", lambda self: "")
    monkeypatch.setattr(Probe, "connect", lambda self: "")
    monkeypatch.setattr(Probe, "handshake", lambda self: "")

    def lookup(host, port, *, flags=0):
        if flags or kind == "unknown name":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [address_place("10.0.0.1", port)]

    monkeypatch.setattr(addresses, "_lookup", lookup)
    config = {"clientId": "a", "clientSecret": "correct horse", "authUrl": "https://probe.test/token"}
    answer = till.put("/api/v1/proxy-config?verify=true", {"type": "oauth2", "config": config})
    steps = answer.json()["verification"]
    assert (answer.status_code, steps[-1]["step"], steps[-1]["detail"]) == (422, "token", PLAIN)
