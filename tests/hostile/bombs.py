"""Answers made to hold the hub up or to fill its memory. Each is a handler for ``wire_server``."""

from __future__ import annotations

import gzip
import time
import zlib

from tests.orders.wire_server import answer

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
FILLER = b"x" * 65_536


def _packed(megabytes: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(b"0" * 2**20) for _ in range(megabytes)), packer.flush()])


GZIP = _packed(200)
GZIP_TWICE = gzip.compress(_packed(100))
DEFLATE = zlib.compress(b"0" * 50_000_000, 1)


def say(*pieces):
    def handle(connection, _):
        for piece in pieces:
            connection.sendall(piece)

    return handle


def endless(head, piece):
    def handle(connection, _):
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return handle


def cut(*pieces):
    def handle(connection, request):
        say(*pieces)(connection, request)
        connection.close()

    return handle


def drip(head):
    def handle(connection, _):
        connection.sendall(head)
        for byte in b"HTTP/1.1 200 OK; " * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return handle


BOMBS = {
    "gzip": say(answer(GZIP, headers="Content-Encoding: gzip\r\n")),
    "gzip in gzip": say(answer(GZIP_TWICE, headers="Content-Encoding: gzip, gzip\r\n")),
    "gzip in gzip, seven times": say(answer(GZIP_TWICE, headers="Content-Encoding: " + "gzip, " * 6 + "gzip\r\n")),
    "deflate": say(answer(DEFLATE, headers="Content-Encoding: deflate\r\n")),
    "no gzip at all": say(answer(b"no gzip", headers="Content-Encoding: gzip\r\n")),
    "endless body": endless(OK + b"\r\n", FILLER),
    "endless chunks": endless(CHUNKED, b"10000\r\n" + FILLER + b"\r\n"),
    "endless chunks of one byte": endless(CHUNKED, b"1\r\nx\r\n" * 10_000),
    "a chunk of -1 bytes": endless(CHUNKED + b"-1\r\n", FILLER),
    "a chunk of -5 bytes": endless(CHUNKED + b"-5\r\n", FILLER),
    "a chunk beyond counting": endless(CHUNKED + b"F" * 60 + b"\r\n", FILLER),
    "a chunk whose size never ends": endless(CHUNKED, b"0" * 65_536),
    "a chunk whose size is no number": endless(CHUNKED + b"one\r\n", FILLER),
    "endless trailers": endless(CHUNKED + b"0\r\n", b"A: b\r\n" * 10_000),
    "endless headers": endless(OK, b"A: b\r\n" * 1_000),
    "a header that never ends": endless(OK + b"A: ", FILLER),
    "a hundred headers of 64 KiB": say(OK, *[b"A: " + b"b" * 65_000 + b"\r\n"] * 99, b"Content-Length: 2\r\n\r\n{}"),
    "a status line that never ends": endless(b"HTTP/1.1 200 ", FILLER),
    "endless interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "less than promised": cut(OK + b"Content-Length: 99999999999\r\n\r\nab"),
    "two lengths": cut(OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\nab"),
    "a length of two": cut(OK + b"Content-Length: 2, 9\r\n\r\nab"),
    "no HTTP": cut(b"\x00\xff\xfe\x80 what\r\n\r\n"),
    "no status": cut(b"HTTP/1.1 abc OK\r\n\r\n"),
    "another version": cut(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nab"),
    "headers that are none": cut(OK + b"no colon\r\n: none\r\n\x00\xff: \x80\r\nContent-Length: 2\r\n\r\nab"),
    "a redirect to itself": say(answer(b"", status="302 Found", headers="Location: /api\r\n")),
    "a redirect inside": say(answer(b"", status="307 Go", headers="Location: http://169.254.169.254/latest/\r\n")),
    "a redirect to no URL": say(answer(b"", status="301 Go", headers="Location: http://[::1\r\n")),
    "a page of another kind": say(answer(b"<html>" + b"<b>" * 50_000, headers="Content-Type: text/html\r\n")),
    "deep JSON": say(answer(b"[" * 200_000, headers="Content-Type: application/json\r\n")),
    "many digits": say(answer(b"[" + b"9" * 200_000 + b"]", headers="Content-Type: application/json\r\n")),
    "binary": say(answer(bytes(range(256)) * 100, headers="Content-Type: application/json; charset=utf-16\r\n")),
}
SLOW = {
    "a status line by the byte": drip(b""),
    "headers by the byte": drip(OK),
    "a body by the byte": drip(OK + b"Content-Length: 999\r\n\r\n"),
    "chunks by the byte": drip(CHUNKED),
}
