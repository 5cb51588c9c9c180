"""TLS handshakes that end early: what was cut is tried again, what was refused stops the destination."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from orders.outgoing import Call, ConnectionCut, Deadline, Probe, TlsFailed, send
from proxy.credentials import Login
from proxy.forwarding import exchange
from tests.hostile import partner_calls


def alert(number):
    """A fatal TLS alert (RFC 8446, section 6), in plain as it is before the keys are agreed."""
    return b"\x15\x03\x03\x00\x02\x02" + bytes([number])


CUT = {
    "FIN at once": (b"", False),
    "RST at once": (b"", True),
    "half a record": (b"\x16\x03\x03\x00\x7a\x02\x00", False),
    "close_notify": (b"\x15\x03\x03\x00\x02\x01\x00", False),
    "internal_error": (alert(80), False),
}
REFUSED = {
    "handshake_failure": (alert(40), False),
    "protocol_version": (alert(70), False),
    "unknown_ca": (alert(48), False),
    "bad_certificate": (alert(42), False),
    "insufficient_security": (alert(71), False),
    "unrecognized_name": (alert(112), False),
    "plain HTTP": (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", False),
    "a banner": (b"SSH-2.0-OpenSSH_9\r\n", False),
}


@contextmanager
def breaking(answer, reset):
    """Takes a ClientHello, answers so, and closes; gives its port and its connections."""
    taken = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                taken.append(connection.recv(65_536))
                connection.sendall(answer)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/hook", taken
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("how", CUT)
def test_a_handshake_that_is_cut_is_no_wrong_setting(how, loopback):
    with breaking(*CUT[how]) as (url, taken):
        assert not partner_calls.webhook(url, seconds=20).misconfigured
        assert len(taken) == 1
        with Probe(url, private_allowed=True, deadline=Deadline.after(20)) as probe:
            probe.connect()
            with pytest.raises(ConnectionCut):
                probe.handshake()


@pytest.mark.parametrize("how", CUT)
def test_a_read_whose_handshake_is_cut_is_asked_once_more(how, loopback):
    with breaking(*CUT[how]) as (url, taken):
        with pytest.raises(ConnectionCut) as cut:
            exchange(Call("GET", url), credentials=Login("hub", "password"), deadline=Deadline.after(20))
        assert (cut.value.before_answer, len(taken)) == (True, 2)


@pytest.mark.parametrize("how", REFUSED)
def test_a_handshake_that_is_refused_is_a_wrong_setting(how, loopback):
    with breaking(*REFUSED[how]) as (url, taken):
        assert partner_calls.webhook(url, seconds=20).misconfigured
        with pytest.raises(TlsFailed):
            send(Call("GET", url), deadline=Deadline.after(20))
        assert len(taken) == 2
