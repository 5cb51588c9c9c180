"""The head of a partner's answer: status line, header fields, framing (docs/design/outgoing.md#answers).

``http.client`` takes 102 and 103 for final answers, gives up at 101 header lines, loses all fields behind a line
without a colon, and does not say how much of an answer had come when it failed. Here the only bound is the head's
size, and each error has the status, once there was one.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping

from orders.outgoing.errors import ConnectionCut, Garbled, OutgoingError, TooLarge

HEAD_BYTES = 1_048_576
"""1 MiB for the head of an answer, its interim answers included: far more than any server or CDN adds."""
QUOTED = 100
"""Bytes of a line that is not HTTP, for ops: a banner such as SSH's names the other protocol."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t]+([^\r\n]*))?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
"""18 digits always fit 64 bits."""
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")
_NOT_IN_A_FIELD = re.compile(rb"[\x00\r]")
SWITCHING = 101
"""The one status below 200 that is final; nobody asked for it."""
BODYLESS = (204, 304)


class GuardedResponse(http.client.HTTPResponse):
    """Reads one answer. Raises errors of ``orders.outgoing.errors``, with the status where its line had come."""

    _method: str | None
    _room = HEAD_BYTES
    _stated: int | None = None

    def begin(self, **_: object) -> None:
        try:
            self._begin()
        except OutgoingError as error:
            error.status = self._stated
            raise
        except OSError as error:
            if not self._began:
                raise
            raise self._cut(error.strerror or str(error)) from None

    def _begin(self) -> None:
        minor, reason = self._final_status_line()
        fields = self._fields()
        self.version = 10 if minor == 0 else 11
        self.code = self.status = self._stated or 0
        self.reason = reason
        self._frame(fields)
        self.headers = self.msg = http.client.HTTPMessage()
        for name, value in fields:
            self.headers[name] = value

    def _final_status_line(self) -> tuple[int, str]:
        """Passes over interim answers (RFC 9110, section 15.2)."""
        while True:
            line = self._line()
            found = _STATUS_LINE.fullmatch(line)
            if found is None:
                quoted = line[:QUOTED].decode("latin-1").strip()
                raise Garbled(f"The answer does not begin with an HTTP status line but with {quoted!r}")
            status = int(found[2])
            if status >= 200 or status == SWITCHING:
                self._stated = status
                return int(found[1]), (found[3] or b"").decode("latin-1").strip()
            self._fields()

    def _fields(self) -> list[tuple[str, str]]:
        fields: list[tuple[str, str]] = []
        while line := self._line().rstrip(b"\r\n"):
            text = line.decode("latin-1")
            if _NOT_IN_A_FIELD.search(line):
                raise Garbled("A header field of the answer holds a control character")
            if text[0] in " \t" and fields:  # RFC 9112, section 5.2: a folded line
                name, value = fields[-1]
                fields[-1] = (name, f"{value} {text.strip()}")
                continue
            name, colon, value = text.partition(":")
            if not colon or not name.strip():
                raise Garbled("The answer has a header line without a name and a colon")
            fields.append((name.strip(), value.strip()))
        return fields

    def _line(self) -> bytes:
        line: bytes = self.fp.readline(self._room + 1)
        self._room -= len(line)
        if self._room < 0:
            raise TooLarge(f"The answer's headers are larger than {HEAD_BYTES:,} bytes")
        if not line.endswith(b"\n"):
            if not self._began:
                raise http.client.RemoteDisconnected("no byte of an answer came")
            raise self._cut("no more came")
        return line

    @property
    def _began(self) -> bool:
        return self._room < HEAD_BYTES

    def _cut(self, reason: str) -> ConnectionCut:
        said = f"The partner closed the connection in the headers of its answer: {reason}"
        return ConnectionCut(said, status=self._stated, began=True)

    def _frame(self, fields: list[tuple[str, str]]) -> None:
        """Decides how the body ends (RFC 9112, section 6.3). What was not believed is removed from the fields, because
        urllib3 reads them once more."""
        members = {name: _members(fields, name) for name in ("connection", "content-length", "transfer-encoding")}
        bodyless = self.status in BODYLESS or self.status < 200 or self._method == "HEAD"
        self.chunked = not bodyless and _is_chunked(members["transfer-encoding"])
        self.chunk_left = self.length = None
        if bodyless:
            self.length = 0
        elif not self.chunked:
            self.length = _length(members["content-length"])
        fields[:] = [field for field in fields if field[0].lower() not in ("content-length", "transfer-encoding")]
        if self.chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        elif self.length is not None:
            fields.append(("Content-Length", str(self.length)))
        self.will_close = self._closes(members)

    def _closes(self, members: Mapping[str, list[str]]) -> bool:
        ends_by_closing = self.length is None and not self.chunked
        doubtful = self.chunked and bool(members["content-length"])
        kept = "keep-alive" in members["connection"] if self.version == 10 else "close" not in members["connection"]
        return ends_by_closing or doubtful or not kept or self.status == SWITCHING

    def _read_next_chunk_size(self) -> int:
        """``http.client`` would take ``-5``, ``+5`` and ``0x5`` for sizes."""
        line = self.fp.readline(HEAD_BYTES)
        found = _CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise http.client.IncompleteRead(b"")
        return int(found[1], 16)


def _members(fields: list[tuple[str, str]], wanted: str) -> list[str]:
    """The members of a list that may stand in several fields, in small letters."""
    values = [value for name, value in fields if name.lower() == wanted]
    return [member.strip().lower() for value in values for member in value.split(",") if member.strip()]


def _is_chunked(codings: list[str]) -> bool:
    if codings in ([], ["identity"]):
        return False
    if codings == ["chunked"]:
        return True
    raise Garbled("The answer has a transfer coding that the hub does not know")


def _length(stated: list[str]) -> int | None:
    """None where the body ends with the connection."""
    if not stated:
        return None
    if len({*stated}) > 1:
        raise Garbled("The answer's headers state two lengths")
    if not _LENGTH.fullmatch(stated[0]):
        raise Garbled("The answer's Content-Length is not a number")
    return int(stated[0])
