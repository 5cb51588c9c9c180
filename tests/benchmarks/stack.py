"""The hub as in production for one benchmark run: PostgreSQL and Redis of our own, gunicorn, workers when wanted."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import HubProcess, free_port
from tests.servers import Servers, servers

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent

ONBOARD = """
import django; django.setup()
from orders.access.clients import ClientEntry, save_client
from orders.models import Tenant
tenant = Tenant.objects.create(slug="bench", name="Bench", mode="events")
save_client(tenant, ClientEntry(client_id="bench", client_secret="{secret}",
    scopes=["customer-orders:read", "customer-orders:write"]))
"""
NAME_BROKEN = """
import django; django.setup()
from orders.monitoring.invariants import broken_invariants
print(*broken_invariants(), sep="\\n", end="")
"""


@dataclass(frozen=True)
class Stack:
    servers: Servers
    environ: dict[str, str]
    folder: Path
    client_secret: str

    def broken_rows(self) -> list[str]:
        """What orders.monitoring.invariants names, in words."""
        command = [sys.executable, "-c", NAME_BROKEN]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.splitlines()

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environ, check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def web(self) -> Iterator[int]:
        """`manage.py serve` on a free port, ready."""
        port = free_port()
        environ = self.environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1"}
        with HubProcess([sys.executable, "manage.py", "serve"], environ=environ, log=self.folder / "web.log") as web:
            web.wait_for_status(f"http://127.0.0.1:{port}/livez")
            yield port

    @contextmanager
    def baseline(self, kind: str = "bare") -> Iterator[int]:
        """The bare views behind the same server with the same processes and threads (baselines.KINDS)."""
        port = free_port()
        environ = self.environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1", "HUB_BENCH_BASELINE": kind}
        command = [str(BIN / "gunicorn"), "-c", "python:tests.benchmarks.bare_gunicorn"]
        command.append("tests.benchmarks.baselines:application")
        with HubProcess(command, environ=environ, log=self.folder / f"baseline-{kind}.log") as web:
            web.wait_for_status(f"http://127.0.0.1:{port}/warm", 202)
            yield port

    @contextmanager
    def worker(self, queues: str = "both") -> Iterator[HubProcess]:
        command = [sys.executable, "manage.py", "worker", "--queues", queues]
        with HubProcess(command, environ=self.environ, log=self.folder / f"worker-{queues}.log") as worker:
            yield worker

    @contextmanager
    def beat(self) -> Iterator[HubProcess]:
        command = [sys.executable, "manage.py", "beat"]
        with HubProcess(command, environ=self.environ, log=self.folder / "beat.log") as beat:
            yield beat

    def token(self, port: int, *, client_id: str = "bench", secret: str = "") -> str:
        import requests

        with requests.Session() as http:
            http.trust_env = False
            form, url = {"grant_type": "client_credentials"}, f"http://127.0.0.1:{port}/oauth2/token"
            answer = http.post(url, data=form, auth=(client_id, secret or self.client_secret), timeout=30)
            answer.raise_for_status()
            return str(answer.json()["access_token"])


@contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """Durable servers, a migrated database, one tenant with one client."""
    with servers(durable=True) as started:
        secret = secrets.token_urlsafe(32)
        made = {
            "HUB_SECRET_KEY": secrets.token_urlsafe(64),
            "HUB_ENCRYPTION_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        stacked = Stack(started, dict(os.environ) | started.environ | made, folder, secret)
        stacked.manage("migrate", "--no-input", "--verbosity", "0")
        subprocess.run([sys.executable, "-c", ONBOARD.format(secret=secret)], cwd=ROOT, env=stacked.environ, check=True)
        yield stacked


MakeStack = Callable[[Path], AbstractContextManager[Stack]]
"""Starts a stack whose processes log into a folder."""
