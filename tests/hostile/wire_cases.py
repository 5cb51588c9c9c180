"""Answers of partners, byte by byte, each beside what is right for it. The table is made of parts that are independent
of each other, so that what is right follows from the parts and not from the code."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

FIN, RST, STALL = "fin", "rst", "stall"
"""How the bytes end where they do not end by themselves."""


@dataclass(frozen=True)
class Case:
    name: str
    pieces: tuple[bytes, ...]
    end: str
    status: int | None
    """The final status, as soon as its line has come; None where none can be told."""
    whole: bool
    """Whether head and body are complete and sound."""
    began: bool = True
    """Whether any byte came."""


JSON_TYPE, XML_TYPE = "application/json", "text/xml"

INTERIM = {
    "no interim answer": b"",
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103 with fields": b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\nContent-Length: 7\r\n\r\n",
    "five of them": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 2
    + b"HTTP/1.0 199 What\r\n\r\n",
}

LINES = {
    "200": (b"HTTP/1.1 200 OK\r\n", 200),
    "200 of HTTP/1.0": (b"HTTP/1.0 200 OK\r\n", 200),
    "200 without a reason": (b"HTTP/1.1 200\r\n", 200),
    "200 and a blank": (b"HTTP/1.1 200 \r\n", 200),
    "200 ended by LF": (b"HTTP/1.1 200 OK\n", 200),
    "200 with a reason in ISO 8859-1": (b"HTTP/1.1 200 Tr\xe8s bien\r\n", 200),
    "404": (b"HTTP/1.1 404 Not Found\r\n", 404),
    "401": (b"HTTP/1.1 401 Unauthorized\r\n", 401),
    "500": (b"HTTP/1.1 500 Internal Server Error\r\n", 500),
    "503": (b"HTTP/1.1 503 Service Unavailable\r\n", 503),
}

NO_LINES = {
    "words in the wrong order": b"HTTP/1.1 OK 200\r\n\r\n",
    "a banner": b"SSH-2.0-OpenSSH_9\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a number as only Python reads it": b"HTTP/1.1 2_0 OK\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 OK\r\n\r\n",
    "a page without a head": b"<html><body>It works!</body></html>\n",
    "a TLS alert in plain": b"\x15\x03\x01\x00\x02\x02\x46\n",
    "an empty line": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a NUL": b"\x00" * 20 + b"\n",
}

FIELDS = {
    "no more fields": b"",
    "101 fields": b"".join(b"Set-Cookie: c%d=1\r\n" % number for number in range(101)),
    "2,000 fields": b"X-Debug: 1\r\n" * 2000,
    "a field of 100,000 bytes": b"Content-Security-Policy: " + b"x" * 100_000 + b"\r\n",
    "a folded field": b"X-Folded: one\r\n two\r\n\tthree\r\n",
    "blanks around the colon": b"X-Blank : \t1 \r\n",
    "bytes beyond ASCII": b"X-Name: k\xf8b \xe2\x82\xac\r\n",
    "an empty field": b"X-Empty:\r\n",
    "fields ended by LF": b"X-One: 1\nX-Two: 2\n",
}

BROKEN_FIELDS = {
    "a line without a colon": b"this is no field\r\n",
    "a field without a name": b": nameless\r\n",
    "a NUL in a field": b"X-Nul: a\x00b\r\n",
    "a CR in a field": b"X-CR: a\rContent-Length: 1\r\n",
}


def length(body: bytes) -> tuple[bytes, bytes, str]:
    return b"Content-Length: %d\r\n" % len(body), body, ""


def chunks(body: bytes) -> tuple[bytes, bytes, str]:
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
    return b"Transfer-Encoding: chunked\r\n", parts + b"0\r\n\r\n", ""


def _packed(body: bytes) -> tuple[bytes, bytes, str]:
    packed = gzip.compress(body)
    return b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(packed), packed, ""


SOUND = {
    "a length": length,
    "chunks": chunks,
    "chunks with an extension and a trailer": lambda body: (
        b"transfer-encoding: Chunked\r\n", b"%x;a=b\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(body), body), "",
    ),
    "chunks beside a length": lambda body: (b"Content-Length: 3\r\n" + chunks(body)[0], chunks(body)[1], ""),
    "the end of the connection": lambda body: (b"", body, FIN),
    "Connection: close": lambda body: (b"Connection: close\r\n", body, FIN),
    "one length twice": lambda body: (length(body)[0] * 2, body, ""),
    "one length in a list": lambda body: (b"Content-Length: %d, %d\r\n" % (len(body), len(body)), body, ""),
    "identity": lambda body: (b"Transfer-Encoding: identity\r\n" + length(body)[0], body, ""),
    "gzip": _packed,
    "more than its length": lambda body: (length(body)[0] + b"Connection: close\r\n", body + b"more", ""),
}  # fmt: skip

BROKEN = {
    "two lengths": lambda body: (b"Content-Length: 1\r\nContent-Length: 2\r\n", body, ""),
    "two lengths in a list": lambda body: (b"Content-Length: 1, 2\r\n", body, ""),
    "a length of letters": lambda body: (b"Content-Length: many\r\n", body, ""),
    "a negative length": lambda body: (b"Content-Length: -1\r\n", body, ""),
    "a length with a sign": lambda body: (b"Content-Length: +2\r\n", body, ""),
    "a length of 30 digits": lambda body: (b"Content-Length: " + b"9" * 30 + b"\r\n", body, ""),
    "an unknown transfer coding": lambda body: (b"Transfer-Encoding: gzip, chunked\r\n", chunks(body)[1], ""),
    "chunked twice": lambda body: (b"Transfer-Encoding: chunked, chunked\r\n", chunks(body)[1], ""),
    "chunks that are none": lambda body: (b"Transfer-Encoding: chunked\r\n", b"{}\r\n", ""),
    "a negative chunk": lambda body: (b"Transfer-Encoding: chunked\r\n", b"-5\r\nhello\r\n0\r\n\r\n", ""),
    "a chunk of 0x5": lambda body: (b"Transfer-Encoding: chunked\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", ""),
    "no gzip at all": lambda body: (b"Content-Encoding: gzip\r\n" + length(body)[0], b"x" * len(body), ""),
    "a body cut by FIN": lambda body: (b"Content-Length: 9999\r\n", body, FIN),
    "a body that stalls": lambda body: (b"Content-Length: 9999\r\n", body, STALL),
    "no body, cut": lambda body: (b"Content-Length: 9999\r\n", b"", FIN),
    "chunks cut by FIN": lambda body: (b"Transfer-Encoding: chunked\r\n", chunks(body)[1][:-9], FIN),
    "chunks cut in a size": lambda body: (b"Transfer-Encoding: chunked\r\n", b"3", FIN),
}


def cases(body: bytes, kind: str) -> Iterator[Case]:
    """For a caller whose good answer is this body."""
    content = f"Content-Type: {kind}\r\n".encode()
    yield from _sound_heads(body, content)
    yield from _broken(body, content)
    yield from _no_answers()


def _sound_heads(body: bytes, content: bytes) -> Iterator[Case]:
    for interim, line, framing in itertools.product(INTERIM, LINES, SOUND):
        first, status = LINES[line]
        fields, rest, end = SOUND[framing](body)
        if line == "200 of HTTP/1.0" and not end:
            end = FIN
        pieces = (INTERIM[interim] + first + content + fields + b"\r\n", rest)
        yield Case(f"{interim}, {line}, {framing}", pieces, end, status, whole=True)
    for line, more in itertools.product(("200", "404", "500"), FIELDS):
        first, status = LINES[line]
        fields, rest, end = length(body)
        whole = first + FIELDS[more] + content + fields + b"\r\n" + rest
        yield Case(f"{line}, {more}", (whole,), end, status, whole=True)
    for size in (1, 7):
        one = LINES["200"][0] + content + length(body)[0] + b"\r\n" + body
        slow = 10 * size
        pieces = (*(one[at : at + size] for at in range(0, slow, size)), one[slow:])
        yield Case(f"its first bytes in pieces of {size}", pieces, "", 200, whole=True)


def _broken(body: bytes, content: bytes) -> Iterator[Case]:
    for interim, line, framing in itertools.product(("no interim answer", "102"), LINES, BROKEN):
        if framing == "a body that stalls" and (interim, line) not in (("102", "200"), ("102", "404")):
            continue  # each takes its caller's whole deadline
        first, status = LINES[line]
        fields, rest, end = BROKEN[framing](body)
        pieces = (INTERIM[interim] + first + content + fields + b"\r\n", rest)
        yield Case(f"{interim}, {line}, {framing}", pieces, end, status, whole=False)
    for line, more in itertools.product(LINES, BROKEN_FIELDS):
        first, status = LINES[line]
        yield Case(f"{line}, {more}", (first + BROKEN_FIELDS[more] + b"\r\n",), FIN, status, whole=False)
    for line, (first, status) in LINES.items():
        yield Case(f"{line}, cut behind its line", (first,), FIN, status, whole=False)
        yield Case(f"{line}, cut in a field", (first + content[:9],), FIN, status, whole=False)


def _no_answers() -> Iterator[Case]:
    for name, line in NO_LINES.items():
        yield Case(name, (line,), "", None, whole=False)
    for interim, came in INTERIM.items():
        yield Case(f"{interim}, then cut", (came,), FIN, None, whole=False, began=bool(came))
        yield Case(f"{interim}, then cut in a line", (came + b"HTTP/1.1 20",), FIN, None, whole=False)
    yield Case("cut by RST", (), RST, None, whole=False, began=False)  # behind bytes it may destroy them on their way
    yield Case("one byte", (b"H",), FIN, None, whole=False)
    yield Case("silence", (), STALL, None, whole=False, began=False)
    yield Case("an interim answer, then silence", (INTERIM["102"],), STALL, None, whole=False)
