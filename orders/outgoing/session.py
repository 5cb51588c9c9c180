"""``send``: the one way out of the hub (docs/design/outgoing.md#session).

Sessions are kept per destination, so that connections stay open between calls; a call has one for itself, and gives
it back for any thread. Nothing of the environment (proxies, .netrc) is used, no cookie is kept, no redirect followed.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import requests
import requests.structures
import urllib3.exceptions
from django.conf import settings

from orders.database.waiting import give_back_connection
from orders.outgoing.deadline import Deadline
from orders.outgoing.errors import (
    ConnectionCut,
    Garbled,
    OutgoingError,
    Refused,
    TooLarge,
    Unsendable,
)
from orders.outgoing.heads import HEAD_BYTES
from orders.outgoing.secret_masking import secrets_in, without_echoes
from orders.outgoing.wire import Guard, GuardedAdapter, tls_error

IDLE_SESSIONS = 512
"""Kept open by a process between calls, the last used ones; with those under way well under usual limits of files."""

CHUNK = 65_536
WIRE_SHARE = 2
"""What may come over the wire for one answer: twice its limit, for chunks and packing, and 1 MiB of headers. Whatever a
partner invents to keep the hub reading (chunks without size, endless headers, trailers, interim answers) ends there."""
TOLD = 300
"""Characters of a fault's own words, which may be the partner's."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_NETLOC = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%[\w.~-]+)?\]|[^\[\]:%]+)(?::[0-9]{0,5})?", re.ASCII)
"""A host and a port, in no form that two parsers could take apart differently."""
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a partner. ``url`` is sent as it is: its segments are already percent-encoded."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = None
    destination: str = ""
    """Whose connection is used ("proxy:7", "supplier:12"): connections are never shared between destinations."""
    correlation_id: str = ""
    private_allowed: bool = True
    """False for a URL that a tenant supplied: it reaches public addresses only, whatever networks ops allowed."""
    limit: int | None = None
    """Bytes of the decoded answer; None is HUB_RESPONSE_LIMIT_BYTES."""
    secrets: Sequence[str] = field(default=(), repr=False)
    """What the body logs in with; the headers are looked through anyway (``outgoing.secret_masking``)."""
    needs_body_of: Container[int] = range(1000)
    """The statuses whose body the caller reads. Any other status is the verdict, whatever became of the rest of its
    answer."""

    def masked(self, text: str) -> str:
        """The text without what this call logs in with."""
        return without_echoes(text, (*secrets_in(self.headers), *self.secrets))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the partner answered, whatever the status. ``headers`` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    call: Call | None = field(default=None, repr=False)
    """What it answers."""
    broken: str = ""
    """Why the answer is not complete, where the call did not need its body."""

    @property
    def shown(self) -> bytes:
        """The body for people and records: without the call's own login, should the partner quote it."""
        return self.masked(self.body.decode("utf-8", errors="surrogateescape")).encode(errors="surrogateescape")

    def masked(self, text: str) -> str:
        """Any text of the answer, likewise."""
        return text if self.call is None else self.call.masked(text)


def send(call: Call, *, deadline: Deadline) -> Answer:
    """Send one request and read the whole answer before the deadline. Raises one of ``outgoing.errors``.

    Never call it inside a transaction.
    """
    began = time.monotonic()
    request = _prepared(call)
    give_back_connection()
    try:
        with _idle.session((call.destination, call.private_allowed)) as session:
            response, body = _answered(session.guarded, request, call, deadline=deadline)
    except OutgoingError as error:
        if error.status is None or error.status in call.needs_body_of:
            raise
        seconds = time.monotonic() - began
        return Answer(error.status, error.headers, b"", seconds, call, broken=str(error))
    return Answer(response.status_code, response.headers, body, time.monotonic() - began, call)


def _answered(
    adapter: GuardedAdapter, request: requests.PreparedRequest, call: Call, *, deadline: Deadline
) -> tuple[requests.Response, bytes]:
    limit = call.limit or settings.HUB_RESPONSE_LIMIT_BYTES
    adapter.guard.begin(deadline, most=WIRE_SHARE * limit + HEAD_BYTES)
    deadline.remaining()
    response = _exchange(adapter, request, call)
    try:
        return response, _read(response, call, limit=limit)
    except OutgoingError as error:
        error.status, error.headers = response.status_code, response.headers
        raise


def same_host(one: str, other: str) -> bool:
    """Whether two URLs name the same host: the tenant-supplied URLs that may reach allowed private networks."""
    try:
        hosts = {(urlsplit(url).hostname or "").rstrip(".") for url in (one, other)}
    except ValueError:
        return False
    return len(hosts) == 1 and hosts != {""}


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs name the same scheme, host and port: what goes to one may go to the other."""
    try:
        origins = {_origin(url) for url in (one, other)}
    except ValueError:
        return False
    return len(origins) == 1


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS.get(parts.scheme)


def _prepared(call: Call) -> requests.PreparedRequest:
    """Made by hand: ``requests`` would encode the URL anew and take a third of the time for cookies and hooks."""
    check_url(call.url)
    request = requests.PreparedRequest()
    request.method, request.url, request.body = call.method, call.url, call.body
    request.headers = requests.structures.CaseInsensitiveDict(call.headers)
    request.headers["User-Agent"] = f"orderhub/{settings.HUB_VERSION}"
    request.headers.setdefault("Accept-Encoding", "gzip")
    if call.correlation_id:
        request.headers["Correlation-Id"] = call.correlation_id
    if call.body is not None:
        request.headers["Content-Length"] = str(len(call.body))
    return request


def check_url(url: str) -> SplitResult:
    """A URL that may be called, as far as its text tells; where it leads is judged when connecting."""
    parts = check_shape(url)
    if parts.scheme == "http" and not settings.HUB_OUTBOUND_ALLOW_HTTP:
        raise Refused(f"{parts.hostname} would be called over plain http; use https or set HUB_OUTBOUND_ALLOW_HTTP")
    return parts


def check_shape(url: str) -> SplitResult:
    """Raises Unsendable for what is no http(s) URL of a host."""
    if _NOT_IN_A_URL.search(url):
        raise Unsendable(f"{url!r} has a character that no URL may have; write it percent-encoded or in punycode")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as error:
        raise Unsendable(f"{url!r} is no URL: {error}") from None
    if not usable or "@" in parts.netloc or not _NETLOC.fullmatch(parts.netloc) or parts.fragment:
        raise Unsendable(f"{url!r} must be http(s)://host[:port]/path, without a login and without #")
    return parts


def _exchange(adapter: GuardedAdapter, request: requests.PreparedRequest, call: Call) -> requests.Response:
    guard, host = adapter.guard, _host(request)
    try:
        return adapter.send(request, stream=True, timeout=guard.deadline.remaining())
    except OutgoingError as error:
        error.args = (_cleaned(str(error), call),)
        raise
    except requests.exceptions.SSLError as error:
        inner = _innermost(error)
        raise tls_error(host, inner, told=_cleaned(str(inner), call), began=guard.has_received) from None
    except requests.exceptions.Timeout:
        raise guard.deadline.exceeded() from None
    except requests.exceptions.ConnectionError as error:
        said = f"{host} closed the connection before answering: {_told(error, call)}"
        raise ConnectionCut(said, began=guard.has_received) from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        if guard.has_received:
            raise Garbled(f"The answer of {host} cannot be read: {_told(error, call)}") from None
        raise Unsendable(f"The request to {host} cannot be sent: {error}") from None


def _read(response: requests.Response, call: Call, *, limit: int) -> bytes:
    """The whole body, decoded, counted as it comes: a small answer that unpacks to gigabytes ends at the limit."""
    pieces: list[bytes] = []
    size = 0
    whole = False
    try:
        while piece := response.raw.read(CHUNK, decode_content=True):
            size += len(piece)
            if size > limit:
                raise TooLarge(f"The answer is larger than {limit} bytes")
            pieces.append(piece)
        whole = True
    except urllib3.exceptions.DecodeError as error:
        raise Garbled(f"The answer is badly packed: {_told(error, call)}") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        said = f"The answer broke off or was badly packed: {_told(error, call)}"
        raise ConnectionCut(said, began=True) from None
    finally:
        if not whole:
            response.raw.close()
    return b"".join(pieces)


def _host(request: requests.PreparedRequest) -> str:
    return urlsplit(request.url or "").netloc


def _told(error: BaseException, call: Call) -> str:
    """A fault's reason as it may be kept: it can quote the partner, who can quote the request."""
    return _cleaned(str(_innermost(error)), call)


def _cleaned(text: str, call: Call) -> str:
    said = " ".join(call.masked(text).split())[:TOLD]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in said)


def _innermost(error: BaseException) -> BaseException:
    """The plain error inside the nested ones of requests and urllib3."""
    for inner in (getattr(error, "reason", None), *error.args[-1:]):
        if isinstance(inner, BaseException):
            return _innermost(inner)
    return error


class OutgoingSession(requests.Session):
    """A session that has no other way than the guarded one."""

    def __init__(self, *, private_allowed: bool) -> None:
        super().__init__()
        self.trust_env = False
        self.guarded = GuardedAdapter(Guard(private_allowed=private_allowed))
        self.mount("https://", self.guarded)
        self.mount("http://", self.guarded)


class _IdleSessions:
    """Sessions that no call has at the moment: by destination and rule, the longest unused destination first.

    A connection judged under one rule (``private_allowed``) is not used under another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[tuple[str, bool], list[OutgoingSession]] = OrderedDict()
        self._count = 0

    @contextmanager
    def session(self, key: tuple[str, bool]) -> Iterator[OutgoingSession]:
        """The last used one, for this call alone."""
        session = self._take(key) or OutgoingSession(private_allowed=key[1])
        try:
            yield session
        finally:
            self._give(key, session)

    def _take(self, key: tuple[str, bool]) -> OutgoingSession | None:
        with self._lock:
            if key not in self._of:
                return None
            self._count -= 1
            session = self._of[key].pop()
            self._drop_if_empty(key)
            return session

    def _give(self, key: tuple[str, bool], session: OutgoingSession) -> None:
        with self._lock:
            self._of.setdefault(key, []).append(session)
            self._of.move_to_end(key)
            self._count += 1
            surplus = self._surplus()
        for each in surplus:
            each.close()

    def _surplus(self) -> list[OutgoingSession]:
        surplus = []
        while self._count > IDLE_SESSIONS:
            oldest = next(iter(self._of))
            surplus.append(self._of[oldest].pop(0))
            self._count -= 1
            self._drop_if_empty(oldest)
        return surplus

    def _drop_if_empty(self, key: tuple[str, bool]) -> None:
        if not self._of[key]:
            del self._of[key]


_idle = _IdleSessions()


def forget_sessions() -> None:
    """Drop this process's sessions, for a forked child: it must not speak on its parent's connections."""
    global _idle  # noqa: PLW0603  # a new lock too: another thread of the parent may have held the old one
    _idle = _IdleSessions()
