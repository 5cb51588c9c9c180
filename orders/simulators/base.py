"""The base of the simulated partners: a real HTTP/1.1 server on loopback that remembers what it got.

    class MockThing(Simulator):
        def answer(self, call, fault): …

    with MockThing() as thing:          # a free port, a thread of its own
        requests.get(thing.url)
        thing.received                  # the same as GET /_received

Paths that begin ``/_`` steer the simulator and are never recorded, nor is its page (``GET /``):

    GET /_received     {"received": [{at, method, path, headers, body}]}, oldest first     DELETE empties it
    GET /_fault        {"faults": […]} still to come     POST {"status": 503, "times": 3, "on": "POST /hook"}     DELETE

Why not Python's stock server as it is: Nagle's algorithm costs it 44 ms a call, its bind looks up the machine's name,
and it cannot drop, cut or drip an answer. The log is bounded by entries and by bytes, so that a load run cannot fill
the memory. Imports no Django, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import errno
import json
import signal
import socket
import socketserver
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Self

from orders.simulators.faults import DRIP_SECONDS, NO_FAULT, WORDS, Fault, FaultPlan, UnknownFault
from orders.simulators.wire import Answer, Call, json_answer, write_json

HOST = "127.0.0.1"
BODY_LIMIT_BYTES = 64 * 1024 * 1024
"""Four times the hub's largest body (16 MiB); what is larger is an accident."""
LOG_ENTRIES = 20_000
LOG_BYTES = 128 * 1024 * 1024
"""Enough for a chaos run's 20,000 calls; beyond it the oldest are forgotten."""
STOP_SECONDS = 5.0
"""How long stop() waits for calls being answered before it leaves them to their daemon threads."""


class CannotListen(Exception):
    """The port is taken or not allowed; the message says what to do."""


class Simulator:
    """A partner of the hub, played. Subclasses answer calls; everything else is here."""

    name: ClassVar[str] = "simulator"
    fault_words: ClassVar[frozenset[str]] = frozenset()
    """Faults this partner knows beyond the common ones."""

    def __init__(self, *, port: int = 0, delay: float = 0.0) -> None:
        self.port = port
        self.delay = delay
        """Seconds before every answer."""
        self.faults = FaultPlan(WORDS | self.fault_words)
        self.stopping = threading.Event()
        self._log = _Log()
        self._server: _Server | None = None

    # What a partner overrides

    def answer(self, call: Call, fault: Fault) -> Answer:
        """The partner's answer. ``fault`` is for the partner's own words; the common ones are dealt with."""
        raise NotImplementedError

    def refusal(self, call: Call, status: int) -> Answer:
        """What a fault ``status=…`` answers, in the partner's format."""
        return json_answer({"title": HTTPStatus(status).phrase, "status": status}, status=status)

    def fault_of(self, call: Call) -> Fault:
        """The fault for this call; UnknownFault is answered with 400."""
        return self.faults.take(call)

    def delay_of(self, call: Call) -> float:
        return self.delay

    def control(self, call: Call) -> Answer | None:
        """A partner's own ``/_…`` paths; None for a path it does not know. ValueError is answered with 400."""
        return None

    def banner(self) -> str:
        """One line for the person who started it: address, credentials."""
        return f"{self.name} listens on {self.url}"

    # Running

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        """Listen on the port (0: a free one, kept over a restart) and answer from now on. Raises CannotListen."""
        if self._server is not None:
            return self
        self.stopping.clear()
        self._server = _listen(self)
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name=self.name, daemon=True
        ).start()
        return self

    def stop(self) -> None:
        """Close the port and every connection; what was received stays readable."""
        server, self._server = self._server, None
        if server is None:
            return
        self.stopping.set()
        server.shutdown()
        server.close_connections()
        server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What it got, and what it shall do wrong

    @property
    def received(self) -> list[dict[str, Any]]:
        return [call.as_entry() for call in self.calls]

    @property
    def calls(self) -> list[Call]:
        """The same, with the bytes of the bodies."""
        return self._log.calls()

    def forget(self) -> None:
        self._log.clear()

    def fail(self, *, times: int | None = 1, on: str = "", **words: Any) -> None:
        """Commit a fault on the next ``times`` calls (None: until cleared) whose "METHOD target" contains ``on``.

        ``fail(status=503, times=3)``, ``fail(delay=2)``, ``fail(lost=True, on="importitems")``.
        """
        self.faults.add(words, times=times, on=on)

    # One call

    def handle(self, call: Call, wire: _Handler) -> None:
        if call.path.startswith("/_"):
            wire.send(self._steered(call), NO_FAULT)
            return
        if call.target not in ("/", "/favicon.ico") or call.method != "GET":
            self._log.add(call)
        try:
            fault = self.fault_of(call)
        except UnknownFault as error:
            wire.send(json_answer({"title": str(error), "status": 400}, status=400), NO_FAULT)
            return
        self.stopping.wait(self.delay_of(call) + fault.number("delay"))
        if "drop" in fault:
            wire.drop()
            return
        answer = self._attempt(call, fault)
        self.stopping.wait(fault.number("late"))
        try:
            wire.send(fault.spoil(answer), fault)
        finally:  # what was done was done, also when the caller has gone away
            if answer.after is not None:
                answer.after()

    def _attempt(self, call: Call, fault: Fault) -> Answer:
        if fault.status is not None:
            return self.refusal(call, fault.status)
        try:
            return self.answer(call, fault)
        except Exception:  # noqa: BLE001 - a simulator's own fault must reach the person testing, not vanish in a thread
            traceback.print_exc(file=sys.stderr)
            return json_answer({"title": f"{self.name} itself failed; see its output", "status": 500}, status=500)

    def _steered(self, call: Call) -> Answer:
        try:
            answer = self._common_control(call) or self.control(call)
        except ValueError as error:
            return json_answer({"title": str(error), "status": 400}, status=400)
        return answer or json_answer({"title": f"{self.name} has no {call.method} {call.path}"}, status=404)

    def _common_control(self, call: Call) -> Answer | None:
        match call.method, call.path:
            case "DELETE", "/_received":
                self.forget()
            case "POST", "/_fault":
                self.fail(**json.loads(write_json(call.json_object())))
            case "DELETE", "/_fault":
                self.faults.clear()
        match call.path:
            case "/_received":
                return json_answer({"received": self.received})
            case "/_fault":
                return json_answer({"faults": self.faults.as_json()})
        return None


def run(simulator: Simulator, *, announce: Callable[[str], None]) -> None:
    """Serve in the foreground until Ctrl-C or SIGTERM. Raises CannotListen."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with simulator:
        announce(f"{simulator.banner()} · what it got: curl {simulator.url}/_received · Ctrl-C ends it")
        ended.wait()


class _Log:
    """The calls received, the oldest forgotten beyond the bounds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque()
        self._bytes = 0

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)
            self._bytes += len(call.body)
            while len(self._calls) > LOG_ENTRIES or self._bytes > LOG_BYTES:
                self._bytes -= len(self._calls.popleft().body)

    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._bytes = 0


def _listen(simulator: Simulator) -> _Server:
    port = simulator.port
    try:
        return _Server(simulator)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(
                f"Port {port} on {HOST} is in use: stop the program that has it, or choose another with --port "
                "(0 takes a free one)."
            ) from None
        raise CannotListen(f"Cannot listen on port {port} of {HOST}: {error.strerror}. Choose another port.") from None


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread per connection, and a list of them so that stop() can end them."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256  # More than the 200 simultaneous first calls that the proxy is measured with.

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((HOST, simulator.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def close_connections(self) -> None:
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, timeout=STOP_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            traceback.print_exc(file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _take(self) -> None:
        try:
            body = self._read_body()
        except ValueError as error:
            self.close_connection = True
            self.send(json_answer({"title": str(error), "status": 400}, status=400), NO_FAULT)
            return
        target = self.requestline.split()[1]  # self.path has leading slashes folded
        call = Call(method=self.command, target=target, headers=self.headers, body=body)
        self.server.simulator.handle(call, self)

    # The names are those http.server looks for.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _take  # noqa: N815

    def _read_body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._read_chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= BODY_LIMIT_BYTES:
            raise ValueError(f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("The caller went away in the middle of its body.")
        return body

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if size < 0 or len(body) + size > BODY_LIMIT_BYTES:
                raise ValueError(f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return bytes(body)

    def drop(self) -> None:
        self.close_connection = True

    def send(self, answer: Answer, fault: Fault) -> None:
        if "lost" in fault:
            self.drop()
            return
        if "truncated" in fault:
            self.close_connection = True
        head = self._head(answer)
        body = b"" if self.command == "HEAD" or answer.status in (204, 304) else answer.body
        if "drip" in fault:
            self.wfile.write(head)
            self._drip(body, fault.number("drip", DRIP_SECONDS))
        else:
            self.wfile.write(head + (body[: len(body) // 2] if "truncated" in fault else body))

    def _head(self, answer: Answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"Date: {self.date_time_string()}"]
        if answer.status not in (204, 304):
            lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _drip(self, body: bytes, seconds: float) -> None:
        for position in range(len(body)):
            if self.server.simulator.stopping.wait(seconds):
                self.close_connection = True
                return
            self.wfile.write(body[position : position + 1])

    def log_message(self, *args: Any) -> None:
        """Silent: what came in is in the log."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


def wait_until(condition: Callable[[], object], *, seconds: float = 10.0) -> bool:
    """Whether the condition came true in time; for code that watches a simulator in the same process."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
