"""The stages of a connection at which the server waits for the caller: a request comes in, an answer goes out, the
caller leaves. The worker's loop watches all of them; a thread has a connection only in between."""

from __future__ import annotations

import contextlib
import io
import re
import selectors
import socket
import time
from typing import Any, Protocol

from config.webserver import bounds

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
EXPECTING = re.compile(rb"[^\r\n]* HTTP/1\.1\r\n(?:.*\r\n)?expect:[ \t]*100-continue[ \t]*\r\n", re.I | re.DOTALL)
CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[ \t]*(?:;|$)", re.IGNORECASE)


class Stage(Protocol):
    event: int
    since: float

    @property
    def is_half_request(self) -> bool:
        """Whether the caller is owed a word why it is closed."""

    @property
    def held(self) -> int:
        """Bytes in memory."""

    def step(self, sock: Any) -> bool:
        """Does what can be done without waiting; whether the stage is over. Raises OSError when the caller is gone."""

    def is_late(self, now: float, silence: float) -> bool: ...


class Arrival:
    """A request comes in. This only tells when to begin: what the bytes mean, and whether they are any good, is decided
    by gunicorn's parser alone, which gets these bytes and never waits for more (see Source)."""

    event = selectors.EVENT_READ

    def __init__(self, left: bytes) -> None:
        self.received = bytearray(left)
        self.since = time.monotonic()
        self._seen = self._body = self._chunk = self._length = 0
        self._chunked = self.is_refused = False
        self._chunks = 0

    @property
    def held(self) -> int:
        return len(self.received)

    @property
    def is_half_request(self) -> bool:
        return bool(self.received)

    def step(self, sock: socket.socket) -> bool:
        """Reads what there is; over when the request is whole, or no more of it will come."""
        if not self._is_whole():
            try:
                piece = sock.recv(bounds.PIECE)
            except BlockingIOError:
                return False
            if not piece:
                return True
            if not self.received:
                self.since = time.monotonic()
            self.received += piece
        return self._is_whole() or self._go_on(sock)

    def is_late(self, now: float, silence: float) -> bool:
        if not self.received:
            return now > self.since + silence
        if not self._body:
            return now > self.since + bounds.HEAD_SECONDS
        return now > self.since + bounds.BODY_SECONDS + (len(self.received) - self._body) / bounds.BODY_PACE

    def _go_on(self, sock: socket.socket) -> bool:
        """Tells a caller that waits to be told (RFC 9110, section 10.1.1) to send its body."""
        if self._body == len(self.received) and EXPECTING.match(self.received):
            sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return False

    def _is_whole(self) -> bool:
        if not self._body and not self._find_body():
            return len(self.received) > bounds.LARGEST_HEAD
        come = len(self.received) - self._body
        return come > bounds.LARGEST_BODY or (self._chunks_ended() if self._chunked else come >= self._length)

    def _find_body(self) -> bool:
        end = self.received.find(b"\r\n\r\n", max(0, self._seen - 3))
        self._seen = len(self.received)
        if end < 0:
            return False
        self._body = self._chunk = end + 4
        self.since = time.monotonic()
        head = self.received[: end + 2]
        self._chunked = CHUNKED.search(head) is not None
        length = LENGTH.search(head)
        if length and int(length[1]) <= bounds.LARGEST_BODY:  # the hub refuses a longer one unread
            self._length = int(length[1])
        return True

    def _chunks_ended(self) -> bool:
        """Steps over the chunks; one that is none ends them, and is refused by the parser, as are too many here."""
        while (line := self.received.find(b"\r\n", self._chunk)) >= 0:
            size = CHUNK_SIZE.match(self.received[self._chunk : line])
            if not size:
                return True
            if int(size[1], 16) == 0:
                return self.received.find(b"\r\n\r\n", line) >= 0 or len(self.received) > line + bounds.LARGE
            if line + 4 + int(size[1], 16) > len(self.received):
                return False
            self._chunk = line + 4 + int(size[1], 16)
            self._chunks += 1
            if self._chunks > bounds.CHUNKS_AT_LEAST + (self._chunk - self._body) // bounds.CHUNK_AVERAGE:
                self.is_refused = True
                return True
        return len(self.received) > self._chunk + bounds.LARGE


class Departure:
    """An answer goes out, of which the thread could not send all without waiting."""

    event = selectors.EVENT_WRITE
    is_half_request = False

    def __init__(self, channel: Channel) -> None:
        self.since, self._channel, self._all = time.monotonic(), channel, len(channel.unsent)

    @property
    def held(self) -> int:
        return len(self._channel.unsent)

    def step(self, sock: Channel) -> bool:
        sock.flush()
        return not sock.unsent

    def is_late(self, now: float, silence: float) -> bool:
        return now > self.since + bounds.BODY_SECONDS + (self._all - self.held) / bounds.BODY_PACE


class Leave:
    """The caller has its last answer. Closed at once, what it still sends would destroy the answer on its way."""

    event = selectors.EVENT_READ
    is_half_request = False
    held = 0

    def __init__(self) -> None:
        self.since = self._heard = time.monotonic()

    def step(self, sock: socket.socket) -> bool:
        with contextlib.suppress(BlockingIOError):
            piece = sock.recv(bounds.PIECE)
            self._heard = time.monotonic()
            return not piece
        return False

    def is_late(self, now: float, silence: float) -> bool:
        return now > self._heard + bounds.LEAVE_SECONDS or now > self.since + bounds.LEAVE_MOST_SECONDS


class Source:
    """What gunicorn's parser reads in place of the socket: the request that has come, then nothing more.

    Once it was asked for more than there is, where the next request begins is unknown.
    """

    def __init__(self, received: bytes) -> None:
        self._bytes, self.is_dry = io.BytesIO(received), False

    def recv(self, size: int) -> bytes:
        piece = self._bytes.read(size)
        self.is_dry = self.is_dry or not piece
        return piece

    def left(self) -> bytes:
        """What was not asked for; frees the memory."""
        left, self._bytes = self._bytes.read(), io.BytesIO()
        return left


class Channel:
    """A caller's socket, which takes an answer from a thread without making it wait."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self.unsent = sock, bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        nothing_waits = not self.unsent
        self.unsent += data
        if nothing_waits:
            self.flush()
        if len(self.unsent) > bounds.ANSWER_HELD:
            self._sock.settimeout(bounds.BODY_SECONDS + len(self.unsent) / bounds.BODY_PACE)
            self._sock.sendall(self.unsent)
            self.unsent.clear()

    def flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            del self.unsent[: self._sock.send(self.unsent, socket.MSG_DONTWAIT)]
