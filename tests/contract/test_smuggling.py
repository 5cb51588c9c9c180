"""Where one request ends and the next begins is never in doubt: what is ambiguous is refused and the connection closed.

Each case hides a whole PUT of the order "smuggled", with a good token, where a server that frames the first request
otherwise would take it for the second. Sent over a bare socket to the server that `make serve` starts.
"""

from __future__ import annotations

import pytest

from tests.bodies import body
from tests.contract.wire import SMUGGLED, TOKEN, put, smuggled, stored

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs_postgres,
    pytest.mark.needs_redis,
]

LENGTH = len(body("x"))
CHUNKED = "Transfer-Encoding: chunked"


def unmeasured(*headers: str, sent: bytes = b"") -> bytes:
    """A PUT without a Content-Length of its own, then the PUT that must not be seen."""
    return put("x", *headers, length=False, sent=sent or body("x")) + smuggled()


def chunks(sent: bytes, size: str = "") -> bytes:
    return f"{size or format(len(sent), 'x')}\r\n".encode() + sent + b"\r\n0\r\n\r\n"


AMBIGUOUS = {
    "length and chunks": put("x", CHUNKED) + smuggled(),
    "length and chunks, of which none": put("x", CHUNKED, sent=b"0\r\n\r\n" + smuggled()),
    "two lengths": put("x", "Content-Length: 0") + smuggled(),
    "two lengths that agree": put("x", f"Content-Length: {LENGTH}") + smuggled(),
    "a list of lengths": unmeasured(f"Content-Length: {LENGTH}, {LENGTH}"),
    "a length with a sign": unmeasured(f"Content-Length: +{LENGTH}"),
    "a negative length": unmeasured("Content-Length: -1"),
    "a length in hex": unmeasured("Content-Length: 0x10"),
    "a length with an underscore": unmeasured("Content-Length: 1_0"),
    "a length that is a superscript": unmeasured("Content-Length: \xb2"),
    "an empty length": unmeasured("Content-Length: "),
    "a length of 5,000 digits": unmeasured("Content-Length: " + "9" * 5_000),
    "chunked twice": unmeasured("Transfer-Encoding: chunked, chunked", sent=b"0\r\n\r\n"),
    "two headers that say chunked": unmeasured(CHUNKED, CHUNKED, sent=b"0\r\n\r\n"),
    "identity": put("x", "Transfer-Encoding: identity") + smuggled(),
    "gzip and no chunks": unmeasured("Transfer-Encoding: gzip"),
    "chunked not last": unmeasured("Transfer-Encoding: chunked, gzip", sent=b"0\r\n\r\n"),
    "chunked behind a vertical tab": unmeasured("Transfer-Encoding: \x0bchunked", sent=b"0\r\n\r\n"),
    "chunks in HTTP/1.0": unmeasured(CHUNKED, sent=b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "a blank before the colon": put("x", "Transfer-Encoding : chunked") + smuggled(),
    "a folded line": put("x", "X-A: b\r\n Transfer-Encoding: chunked") + smuggled(),
    "a folded line at once": b"GET /livez HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n" + smuggled(),
    "a bare LF between headers": put("x", "X-A: b\nTransfer-Encoding: chunked") + smuggled(),
    "a bare CR between headers": put("x", "X-A: b\rTransfer-Encoding: chunked") + smuggled(),
    "bare LF everywhere": put("x").replace(b"\r\n", b"\n") + smuggled(),
    "NUL in a value": put("x", "X-A: b\x00c") + smuggled(),
    "NUL in a name": put("x", "X\x00A: b") + smuggled(),
    "a blank in a name": put("x", "X A: b") + smuggled(),
    "no name": put("x", ": b") + smuggled(),
    "no colon": put("x", "Xb") + smuggled(),
    "two hosts": put("x", "Host: evil.test") + smuggled(),
    "two content types": put("x", "Content-Type: text/plain") + smuggled(),
    "no host": put("x").replace(b"Host: 127.0.0.1\r\n", b"") + smuggled(),
    "another host in the address": put("x").replace(b"PUT /", b"PUT http://evil.test/", 1) + smuggled(),
    "a user in the address": put("x").replace(b"PUT /", b"PUT http://127.0.0.1@evil.test/", 1) + smuggled(),
    "an address without a slash": put("x").replace(b"PUT /", b"PUT ", 1) + smuggled(),
    "a blank in the address": put("x").replace(b"/store-1/", b"/store 1/", 1) + smuggled(),
    "an address that is no ASCII": put("x").replace(b"/store-1/", b"/st\xf8re/", 1) + smuggled(),
    "a small method": put("x").replace(b"PUT", b"put", 1) + smuggled(),
    "no version": b"GET /livez\r\n\r\n" + smuggled(),
    "HTTP/2 on the same port": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + smuggled(),
}


@pytest.mark.parametrize("shape", AMBIGUOUS)
def test_what_could_be_read_two_ways_is_400_and_ends_the_connection(wire, shape):
    before = stored()
    found = wire.send(AMBIGUOUS[shape])
    assert found.outcome == [(400, "")]
    assert found.closed
    assert stored() == before


REFUSED = {
    "an unknown transfer coding": (unmeasured("Transfer-Encoding: xchunked"), 501),
    "a header of 10,000 bytes": (put("x", "X-A: " + "b" * 10_000) + smuggled(), 431),
    "1,000 headers": (put("x", *(f"X-{number}: b" for number in range(1_000))) + smuggled(), 431),
    "an address of 10,000 bytes": (put("x" * 10_000) + smuggled(), 414),
    "20,000 chunks of a byte": (unmeasured(CHUNKED, sent=b"1\r\nx\r\n" * 20_000), 400),
    "an expectation nobody has": (put("x", "Expect: 200-ok") + smuggled(), 417),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_what_is_too_much_or_unknown_is_refused_by_its_own_status_and_ends_the_connection(wire, shape):
    before = stored()
    sent, status = REFUSED[shape]
    found = wire.send(sent)
    assert found.outcome == [(status, "")]
    assert found.closed
    assert stored() == before


BROKEN_CHUNKS = {
    "a size in C's hex": chunks(b"{", "0x1"),
    "a size with a sign": chunks(b"{", "+1"),
    "a negative size": chunks(b"{", "-1"),
    "a blank before the size": chunks(b"{", " 1"),
    "no size": chunks(b"{", ";a"),
    "bare LF": b"1\n{\n0\n\n",
    "a bare LF in an extension": b"1;a\n\r\n{\r\n0\r\n\r\n",
    "an extension that is none": b"1;\x00\r\n{\r\n0\r\n\r\n",
    "an extension of 100,000 bytes": b"1;" + b"a" * 100_000 + b"\r\n{\r\n0\r\n\r\n",
    "a chunk longer than its size": b"1\r\n{}}0\r\n\r\n",
    "a length among the trailers": b"1\r\n{\r\n0\r\nContent-Length: 5\r\n\r\n",
    "a token among the trailers": b"1\r\n{\r\n0\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n",
}


@pytest.mark.parametrize("shape", BROKEN_CHUNKS)
def test_broken_chunks_are_an_invalid_body_and_end_the_connection(wire, shape):
    before = stored()
    found = wire.send(unmeasured(CHUNKED, sent=BROKEN_CHUNKS[shape]))
    assert found.outcome == [(400, "invalid-body")]
    assert b"chunks could not be read" in found.answers[0].body
    assert found.closed
    assert stored() == before


ENDED = {
    "fewer bytes than the length says": (put("x")[:-5], [(400, "invalid-body")]),
    "a whole order, but fewer bytes than said": (put("x", f"Content-Length: {LENGTH + 9}", length=False),
                                                 [(400, "invalid-body")]),
    "a chunk that does not end": (put("x", CHUNKED, length=False, sent=b"ff\r\n{"), [(400, "invalid-body")]),
    "chunks that do not end": (put("x", CHUNKED, length=False, sent=chunks(body("x"))[:-5]), [(400, "invalid-body")]),
    "a chunk of 2**68 bytes": (put("x", CHUNKED, length=False, sent=b"f" * 17 + b"\r\n{"), [(400, "invalid-body")]),
    "headers that do not end": (put("x").partition(b"\r\n\r\n")[0], []),
    "bare CR everywhere": (put("x").replace(b"\r\n", b"\r"), []),
}  # fmt: skip


@pytest.mark.parametrize("shape", ENDED)
def test_a_request_that_breaks_off_stores_nothing(wire, shape):
    before = stored()
    sent, outcome = ENDED[shape]
    found = wire.send(sent, ended=True)
    assert found.outcome == outcome
    assert found.closed
    assert stored() == before


WHOLE = {
    "a body of a GET": (
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(smuggled()) + smuggled(),
        [(200, "")],
    ),
    "chunks of a GET": (
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(smuggled()),
        [(200, "")],
    ),
    "broken chunks of a GET": (
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + smuggled(),
        [(200, ""), (400, "")],
    ),
    "the body of what has no token": (
        put("x", sent=smuggled()).replace(TOKEN.encode(), b"unknown", 1), [(401, "not-authenticated")],
    ),
    "the body of what has two tokens": (put("x", "Authorization: Bearer b", sent=smuggled()),
                                        [(401, "not-authenticated")]),
    "a body that is another request": (put("x", sent=b"0\r\n\r\n" + smuggled()), [(400, "invalid-body")]),
    "chunks by a name with an underscore": (put("x", "Transfer_Encoding: chunked", sent=b"0\r\n\r\n" + smuggled()),
                                            [(400, "invalid-body")]),
    "a length by a name with an underscore": (put("x", "Content_Length: 0", sent=b" " + smuggled()),
                                              [(400, "invalid-body")]),
    "a vast length": (unmeasured("Content-Length: 99999999999"), [(413, "too-large")]),
    "a length of 40 digits": (unmeasured("Content-Length: " + "9" * 40), [(400, "invalid-body")]),
    "more than a MiB": (put("x", sent=b" " * (1024 * 1024 + 1)), [(413, "too-large")]),
    "more than a MiB in chunks": (put("x", CHUNKED, length=False, sent=chunks(b" " * 1_500_000) + smuggled()),
                                  [(413, "too-large")]),
    "compressed chunks": (put("x", "Transfer-Encoding: gzip, chunked", length=False, sent=chunks(b"\x1f\x8b" * 9)),
                          [(400, "invalid-body")]),
    "an upgrade to HTTP/2": (put("x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA",
                                 sent=smuggled()), [(400, "invalid-body")]),
    "another method in a header": (
        put("x", "X-HTTP-Method-Override: PUT", "X-Method-Override: PUT", "X-HTTP-Method: PUT", sent=body("x"))
        .replace(b"PUT", b"POST", 1),
        [(405, "method-not-allowed")],
    ),
    "a tunnel": (b"CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n" + smuggled(),
                 [(400, "invalid-parameter")]),
    "an echo": (b"TRACE /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", [(405, "method-not-allowed")]),
}  # fmt: skip


@pytest.mark.parametrize("shape", WHOLE)
def test_what_stands_inside_a_request_is_never_one_of_its_own(wire, shape):
    before = stored()
    sent, outcome = WHOLE[shape]
    assert wire.send(sent).outcome == outcome
    assert stored() == before
    assert SMUGGLED not in stored()


def test_two_requests_in_one_breath_are_two_which_shows_that_a_smuggled_one_would_be_seen(wire):
    found = wire.send(put("first") + put("second", CHUNKED, length=False, sent=chunks(body("second"))))
    assert found.outcome == [(202, ""), (202, "")]
    assert {"first", "second"} <= set(stored())


def test_all_of_it_left_no_stack_in_the_log_and_a_server_that_answers(wire):
    for hostile in (*AMBIGUOUS.values(), *(unmeasured(CHUNKED, sent=sent) for sent in BROKEN_CHUNKS.values())):
        wire.send(hostile)
    assert wire.send(put("after")).outcome == [(202, "")]
    assert "Traceback" not in wire.process.text
