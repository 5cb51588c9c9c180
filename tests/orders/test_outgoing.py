"""The one way out of the hub, over real sockets on loopback."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orders.outgoing import (
    Answer,
    Call,
    ConnectFailed,
    ConnectionCut,
    Deadline,
    DeadlineExceeded,
    Refused,
    TlsFailed,
    TooLarge,
    Unresolved,
    Unsendable,
    same_host,
    send,
    session,
    wire,
)
from orders.outgoing.addresses import Policy
from tests.orders.wire_server import answer, wire_server


@pytest.fixture(autouse=True)
def loopback_allowed(settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
    settings.HUB_OUTBOUND_ALLOW_HTTP = True


def get(url: str, *, seconds: float = 5, **options: object) -> Answer:
    return send(Call("GET", url, **options), deadline=Deadline.after(seconds))


def test_an_answer_is_read_whole_and_the_hub_names_itself(settings):
    with wire_server(lambda connection, _: connection.sendall(answer(b'{"a":1}', headers="X-Made: yes\r\n"))) as server:
        got = get(f"{server.url}/a%2Fb?x=%7E", correlation_id="c-1", headers={"Accept": "application/json"})
    assert (got.status, got.body, got.headers["x-made"]) == (200, b'{"a":1}', "yes")
    head = server.requests[0].decode()
    assert head.startswith("GET /a%2Fb?x=%7E HTTP/1.1\r\n")
    assert f"User-Agent: orderhub/{settings.HUB_VERSION}\r\n" in head
    assert "Correlation-Id: c-1\r\n" in head
    assert "Cookie" not in head


def test_a_body_is_sent_byte_for_byte():
    with wire_server(lambda connection, _: connection.sendall(answer())) as server:
        send(Call("POST", server.url + "/", body=b"<imports/>"), deadline=Deadline.after(5))
    assert server.requests[0].endswith(b"\r\n\r\n<imports/>")
    assert b"Content-Length: 10\r\n" in server.requests[0]


def test_a_connection_is_used_again_by_the_same_destination_and_by_no_other():
    with wire_server(lambda connection, _: connection.sendall(answer())) as server:
        for _ in range(3):
            get(server.url + "/", destination="supplier:1")
        assert server.connections == 1
        get(server.url + "/", destination="supplier:2")
        assert server.connections == 2


def test_cookies_are_not_kept():
    with wire_server(lambda connection, _: connection.sendall(answer(headers="Set-Cookie: a=b\r\n"))) as server:
        get(server.url + "/")
        get(server.url + "/")
    assert b"Cookie" not in server.requests[1]


def test_a_redirect_is_an_answer_and_is_not_followed():
    def redirect(connection, _):
        connection.sendall(answer(b"", status="302 Found", headers="Location: /elsewhere\r\n"))

    with wire_server(redirect) as server:
        assert get(server.url + "/").status == 302
    assert len(server.requests) == 1


def test_the_environments_proxies_are_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with wire_server(lambda connection, _: connection.sendall(answer())) as server:
        assert get(server.url + "/", destination="environment").status == 200


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_slow_drip_ends_at_the_deadline(head):
    """Wherever it drips: status line, headers or body."""

    def drip(connection, _):
        connection.sendall(head)
        for byte in b"HTTP/1.1 200 OK and so on and so on and so on":
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with wire_server(drip) as server:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            get(server.url + "/", seconds=0.3)
    assert 0.25 < time.monotonic() - began < 0.6


def test_silence_ends_at_the_deadline_and_the_connection_is_not_used_again():
    answers = [lambda: time.sleep(0.5), lambda: None]

    def late_once(connection, _):
        answers.pop(0)()
        connection.sendall(answer(b"for the second"))

    with wire_server(late_once) as server:
        with pytest.raises(DeadlineExceeded):
            get(server.url + "/", seconds=0.2)
        assert get(server.url + "/").body == b"for the second"
        assert server.connections == 2


def test_a_name_that_resolves_too_slowly_ends_at_the_deadline(monkeypatch):
    real = socket.getaddrinfo

    def slow(host, *args, **kwargs):
        if host == "slow.test" and not kwargs.get("flags"):
            time.sleep(1)
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        get("http://slow.test/", seconds=0.2)
    assert time.monotonic() - began < 0.5


def test_a_deadline_covers_several_calls():
    deadline = Deadline.after(0.3)
    with wire_server(lambda connection, _: (time.sleep(0.2), connection.sendall(answer()))) as server:
        send(Call("GET", server.url + "/"), deadline=deadline)
        with pytest.raises(DeadlineExceeded):
            send(Call("GET", server.url + "/"), deadline=deadline)


def test_an_answer_over_the_limit_is_refused_with_its_status():
    with wire_server(lambda connection, _: connection.sendall(answer(b"x" * 2000, status="500 Oh"))) as server:
        with pytest.raises(TooLarge) as refused:
            get(server.url + "/", limit=1999)
        assert get(server.url + "/", limit=2000).status == 500
    assert refused.value.status == 500


def test_the_limit_counts_what_unpacks():
    bomb = gzip.compress(b"0" * 20_000_000)
    with (
        wire_server(
            lambda connection, _: connection.sendall(answer(bomb, headers="Content-Encoding: gzip\r\n"))
        ) as server,
        pytest.raises(TooLarge),
    ):
        get(server.url + "/", limit=1_000_000)
    assert len(bomb) < 100_000


def test_a_head_is_read_up_to_a_mebibyte_and_refused_beyond_with_its_status():
    fields = "X-Many: 1\r\n" * 70_000 + f"X-Long: {'x' * 200_000}\r\n"
    with wire_server(lambda connection, _: connection.sendall(answer(headers=fields))) as server:
        assert get(server.url + "/").body == b"ok"
    for more in ("X-Many: 1\r\n" * 20_000, f"X-Long: {'x' * 200_000}\r\n"):
        with (
            wire_server(lambda connection, _, more=more: connection.sendall(answer(headers=fields + more))) as server,
            pytest.raises(TooLarge) as refused,
        ):
            get(server.url + "/")
        assert refused.value.status == 200


def test_gzip_is_unpacked():
    packed = gzip.compress(b"unpacked")
    with wire_server(
        lambda connection, _: connection.sendall(answer(packed, headers="Content-Encoding: gzip\r\n"))
    ) as server:
        assert get(server.url + "/").body == b"unpacked"


def test_a_cut_tells_whether_an_answer_had_begun():
    with (
        wire_server(lambda connection, _: connection.shutdown(socket.SHUT_RDWR)) as server,
        pytest.raises(ConnectionCut) as before,
    ):
        get(server.url + "/")
    assert before.value.before_answer

    def half(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        connection.shutdown(socket.SHUT_RDWR)

    with wire_server(half) as server, pytest.raises(ConnectionCut) as after:
        get(server.url + "/")
    assert (after.value.before_answer, after.value.status) == (False, 200)


def test_nobody_listening_is_connect_failed():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectFailed):
        get(f"http://127.0.0.1:{port}/")


def test_a_name_without_address_is_unresolved(monkeypatch):
    def none(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", none)
    with pytest.raises(Unresolved):
        get("http://nowhere.test/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "//example.com/", "http://", "http:///x", "http://example.com:99999/", "not a url",
        "http://exa mple.com/", "http://example.com/a\r\nX: y", "http://user:pass@example.com/", "http://[::1/",
        "http://example.com/#x", "http://exämple.com/", "http://example.com\\@127.0.0.1/", "file:///etc/passwd", "",
    ],
)  # fmt: skip
def test_what_is_no_usable_url_is_unsendable(url):
    with pytest.raises(Unsendable):
        get(url)


def test_a_header_that_breaks_the_request_is_unsendable():
    with wire_server(lambda connection, _: connection.sendall(answer())) as server:
        for value in ("a\r\nX-Evil: b", "日本"):
            with pytest.raises(Unsendable):
                get(server.url + "/", headers={"user": value})
    assert not any(b"Evil" in request for request in server.requests)


def test_plain_http_is_refused_unless_allowed(settings):
    settings.HUB_OUTBOUND_ALLOW_HTTP = False
    with pytest.raises(Refused, match="HUB_OUTBOUND_ALLOW_HTTP"):
        get("http://127.0.0.1:1/")


FORBIDDEN = [
    "127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "0", "0.0.0.0", "localhost",
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "169.254.169.254", "2852039166",
    "192.0.0.192", "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "[::1]", "[::]", "[fe80::1]", "[fd00:ec2::254]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
    "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[100::1]", "[5f00::1]", "[3fff::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_address_of_the_inside_is_connected_to(settings, monkeypatch, host):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("connected"))
    with pytest.raises(Refused, match="HUB_OUTBOUND_ALLOWED_NETWORKS"):
        get(f"https://{host}/")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_are_permitted(address):
    assert Policy(allowed=()).permits(ipaddress.ip_address(address))


def test_a_mapped_address_is_permitted_where_its_ipv4_network_is():
    assert Policy(allowed=[ipaddress.ip_network("10.0.0.0/8")]).permits(ipaddress.ip_address("::ffff:10.0.0.1"))


def test_a_tenant_supplied_url_does_not_reach_the_allowed_networks():
    with wire_server(lambda connection, _: connection.sendall(answer())) as server:
        assert get(server.url + "/", destination="proxy:1").status == 200
        with pytest.raises(Refused):
            get(server.url + "/", destination="proxy:1", private_allowed=False)
    assert len(server.requests) == 1


def test_the_address_that_was_judged_is_the_one_connected_to(settings, monkeypatch):
    """A name that answers a public address first and the inside next is asked once; mixed answers lose their inside."""
    looked_up = []
    connected = []
    public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.88.98.1", 80))
    inside = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))

    def rebinding(host, *args, **kwargs):
        if kwargs.get("flags"):
            raise socket.gaierror
        looked_up.append(host)
        return [inside, public] if len(looked_up) == 1 else [inside]

    def connect(self, address):
        connected.append(address)
        raise ConnectionRefusedError(111, "refused")

    settings.HUB_OUTBOUND_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(ConnectFailed):
        get("http://rebind.test/")
    assert (looked_up, connected) == (["rebind.test"], [("192.88.98.1", 80)])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://OMS.example.com/token", "https://oms.example.com:8443/api/v1", True),
        ("https://oms.example.com./token", "https://oms.example.com/api/v1", True),
        ("https://oms.example.com.evil.test/", "https://oms.example.com/", False),
        ("https://oms.example.com@evil.test/", "https://oms.example.com/", False),
        ("nonsense", "nonsense", False),
        ("https://[::1", "https://[::1", False),
    ],
)
def test_same_host(one, other, same):
    assert same_host(one, other) is same


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for oms.test, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "oms.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("oms.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = serialization.Encoding.PEM, serialization.NoEncryption()
    path = tmp_path / "oms.pem"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, secret) + made.public_bytes(pem))
    return path


@pytest.fixture
def tls_names(monkeypatch):
    """Names of the test that are all 127.0.0.1."""
    real = socket.getaddrinfo

    def named(host, *args, **kwargs):
        return real("127.0.0.1" if host.endswith(".test") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", named)
    wire._tls_context.cache_clear()
    yield
    wire._tls_context.cache_clear()


def _server_tls(certificate: Path, seen: list[str | None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    return context


def test_tls_checks_the_name_and_not_the_number(certificate, tls_names, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    names: list[str | None] = []
    tls = _server_tls(certificate, names)
    with wire_server(lambda connection, _: connection.sendall(answer(b"safe")), tls=tls) as server:
        assert get(f"https://oms.test:{server.port}/", destination="tls").body == b"safe"
        assert get(f"https://oms.test:{server.port}/", destination="tls").body == b"safe"
        assert (names, server.connections) == (["oms.test"], 1)
        with pytest.raises(TlsFailed, match=r"other\.test"):
            get(f"https://other.test:{server.port}/", destination="tls-other")


def test_an_unknown_certificate_is_tls_failed(certificate, tls_names):
    tls = _server_tls(certificate, [])
    with wire_server(lambda connection, _: connection.sendall(answer()), tls=tls) as server, pytest.raises(TlsFailed):
        get(f"https://oms.test:{server.port}/", destination="tls-unknown")
    assert server.requests == []


def test_a_slow_drip_inside_tls_ends_at_the_deadline(certificate, tls_names, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def drip(connection, _):
        for byte in b"HTTP/1.1 200 OK and so on and so on":
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with wire_server(drip, tls=_server_tls(certificate, [])) as server:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            get(f"https://oms.test:{server.port}/", seconds=0.4, destination="tls-drip")
    assert time.monotonic() - began < 0.8


def test_a_handshake_that_never_ends_is_late(tls_names):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeadlineExceeded):
        get(f"https://oms.test:{silent.getsockname()[1]}/", seconds=0.2, destination="tls-silent")


def test_a_session_is_one_calls_at_a_time_and_then_anybodys():
    idle, key = session._IdleSessions(), ("proxy:1", True)
    with idle.session(key) as first, idle.session(key) as second:
        assert first is not second
    with idle.session(key) as again, idle.session(("proxy:1", False)) as judged_otherwise:
        assert again in (first, second)
        assert judged_otherwise not in (first, second)


def test_a_process_keeps_so_many_idle_sessions_and_closes_the_longest_unused(monkeypatch):
    monkeypatch.setattr(session, "IDLE_SESSIONS", 2)
    idle, closed, kept = session._IdleSessions(), [], []

    def close(self):
        closed.append(self)

    monkeypatch.setattr(session.OutgoingSession, "close", close)
    for number in range(3):
        with idle.session((f"proxy:{number}", True)) as one:
            kept.append(one)
    assert closed == kept[:1]
    with idle.session(("proxy:2", True)) as one:
        assert one is kept[2]
