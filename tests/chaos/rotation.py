"""The hub's processes while its keys are changed: each ends and is started again, the web behind a balancer."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

from tests.benchmarks.stack import ROOT, Stack
from tests.chaos.hub import web_server
from tests.chaos.kept import START_SECONDS, Kept
from tests.chaos.relay import Relay
from tests.processes import free_port, wait_until

ASK_SECONDS = 0.1


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


class Partner:
    """Supplier and order service in one: notes every call whose signature or login is not right."""

    def __init__(self, signing_secret: str, password: str) -> None:
        self.wrong: list[str] = []
        self.right: Counter[str] = Counter()
        self._webhook = Webhook(signing_secret)
        login = base64.b64encode(f"hub:{password}".encode()).decode()
        partner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self._answer(202, partner._judged(self, login, signed=True))

            def do_GET(self) -> None:
                self._answer(404, partner._judged(self, login, signed=False))

            def _answer(self, status: int, wrong: str) -> None:
                self.send_response(401 if wrong else status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Partner:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _judged(self, call: http.server.BaseHTTPRequestHandler, login: str, *, signed: bool) -> str:
        body = call.rfile.read(int(call.headers.get("Content-Length", 0)))
        wrong = "" if call.headers["Authorization"] == f"Basic {login}" else f"login of {call.path}"
        try:
            if signed:
                self._webhook.verify(body, dict(call.headers))
        except WebhookVerificationError as error:
            wrong = str(error)
        if wrong:
            self.wrong.append(wrong)
        else:
            self.right[call.command] += 1
        return wrong


class Asker:
    """Fetches tokens and reads an order through to the tenant's own service; notes what goes wrong."""

    def __init__(self, port: int, client_id: str, secret: str) -> None:
        self._port, self._login = port, f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}"
        self.asked = 0
        self.trouble: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Asker:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()

    def call(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def token(self) -> str:
        status, said = self.call(
            "POST", "/oauth2/token", self._login, **{"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert status == 200, (status, said)
        return str(json.loads(said)["access_token"])

    def _run(self) -> None:
        while not self._ended.wait(ASK_SECONDS):
            try:
                path = "/api/v1/business-units/store-1/customer-orders/1001"
                status, said = self.call("GET", path, Authorization=f"Bearer {self.token()}")
                if status != 404 or b"unknown-order" not in said:
                    self.trouble.append(f"{status} {said.decode()}")
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.trouble.append(repr(error))
            self.asked += 1


class Rotation:
    """``with Rotation(stack, keys) as hub:`` runs web, worker and scheduler; ``restart(keys)`` renews each in turn."""

    def __init__(self, stack: Stack, keys: str) -> None:
        self._stack, self._starts = stack, 0
        self._environ = stack.environ | {
            "HUB_ENCRYPTION_KEYS": keys, "HUB_WEB_PROCESSES": "1", "HUB_WORKER_PROCESSES": "1",
            "HUB_OUTBOUND_ALLOW_HTTP": "true", "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "HUB_DELIVERY_RETRY_SCHEDULE": "1,1,1",
        }  # fmt: skip
        self._running = ExitStack()

    def __enter__(self) -> Rotation:
        self.web, port = self._web()
        self.balancer = self._running.enter_context(Relay(port))
        self.beside = {name: self._kept(name) for name in ("worker", "beat")}
        return self

    def __exit__(self, *raised: object) -> None:
        for kept in (self.web, *self.beside.values()):
            kept.end()
        self._running.close()

    @property
    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in self._stack.folder.glob("rotation-*"))

    def restart(self, keys: str) -> None:
        """The web's successor answers before the web ends; the worker ends its batch before its successor starts."""
        self._environ["HUB_ENCRYPTION_KEYS"] = keys
        before, (self.web, port) = self.web, self._web()
        self.balancer.target, old = port, self.balancer.target
        wait_until(lambda: not self.balancer.open[old], seconds=START_SECONDS)
        before.started.stop(seconds=START_SECONDS)
        for name, kept in self.beside.items():
            kept.started.stop(signal.SIGTERM, seconds=START_SECONDS)
            self.beside[name] = self._kept(name)
        time.sleep(1)  # some of the load meets this stage whole

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environ, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _web(self) -> tuple[Kept, int]:
        port = free_port()
        web = web_server(self._stack, port, self._log("web"), more=self._environ, folder=ROOT)
        web.started.wait_for_status(f"http://127.0.0.1:{port}/readyz", seconds=START_SECONDS)
        return web, port

    def _kept(self, name: str) -> Kept:
        return Kept([name], environ=self._environ, log=self._log(name))

    def _log(self, name: str) -> Path:
        self._starts += 1
        return self._stack.folder / f"rotation-{name}-{self._starts}"
