"""`make up`: the hub on the embedded default, three simulated partners, and a scenario checked by their reports."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import requests
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.demo.partners import Partners, start_partners
from config.demo.scenario import Scenario
from config.demo.secrets import demo_secrets
from config.demo.tenants import onboarding_file
from config.env import BASE_DIR, VAR_DIR
from config.processes import program, warn_of_misspelt
from config.settings import ENV

START_SECONDS = 30.0
"""Far longer than a start takes; then something is wrong, and its lines say what."""


class Command(BaseCommand):
    help = "Run everything on SQLite with simulated partners (PORT=8000; CHECK=1 ends after the scenario)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not ENV.on_sqlite or not ENV.embedded:
            raise CommandError(
                "`make up` is the embedded default; unset DATABASE_URL and REDIS_URL, or use make serve."
            )
        warn_of_misspelt()
        port = _free_port_or_refuse(os.environ.get("PORT") or "8000")
        url = os.environ.get("HUB_PUBLIC_URL") or f"http://127.0.0.1:{port}"
        here = f"http://127.0.0.1:{port}"
        self._say(f"Orderhub on SQLite in {VAR_DIR.relative_to(BASE_DIR)}/, address {url}")
        call_command("migrate", interactive=False, verbosity=0)
        self._say("database ready")
        self._staff_login()
        secrets = demo_secrets(VAR_DIR)
        partners = start_partners(here, secrets)
        self._introduce(partners)
        _onboard(onboarding_file(partners, secrets))
        self._say("demo tenants demo-proxy and demo-shop onboarded")
        hub = _start_hub(port, url)
        try:
            failed = self._run(hub, here, partners, secrets)
            if os.environ.get("CHECK"):
                if failed:
                    raise CommandError(f"{failed} of the lines above FAILED")
                return
            self._say(
                f"Serving {url}/admin/ (API description: {url}/docs). Ctrl-C stops; the next make up keeps the data."
            )
            self._serve(hub)
        except KeyboardInterrupt:
            self._say("stopping")
        finally:
            _stop(hub)
            partners.stop()
            self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _staff_login(self) -> None:
        from django.contrib.auth import get_user_model

        if get_user_model().objects.filter(username="admin").exists():
            self._say("staff login: admin (its password was printed when it was made; "
                      ".venv/bin/python manage.py changepassword admin makes another)")  # fmt: skip
            return
        call_command("staff", "admin", role="superuser", stdout=self.stdout)

    def _introduce(self, partners: Partners) -> None:
        for name, partner in (
            ("OMS", partners.oms), ("supplier", partners.supplier), ("warehouse", partners.warehouse),
        ):  # fmt: skip
            self._say(f"simulated {name} at {partner.url} (received requests: {partner.url}/_received)")

    def _run(self, hub: "subprocess.Popen[bytes]", here: str, partners: Partners, secrets: dict[str, str]) -> int:
        """Wait for the hub, run the scenario; returns how many steps failed."""
        _wait_until_ready(hub, here)
        self._say("hub, worker and scheduler running")
        scenario = Scenario(here, partners, secrets)
        failed = 0
        for line in scenario.steps():
            failed += not line.happened
            self._say(f"  {'ok    ' if line.happened else 'FAILED'} {line.what}: {line.detail}")
        for command in scenario.curl_lines():
            self._say(command)
        return failed

    def _serve(self, hub: "subprocess.Popen[bytes]") -> None:
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        code = hub.wait()
        raise CommandError(f"the hub process ended by itself with exit code {code}; see the lines above")


def _free_port_or_refuse(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CommandError(f"PORT={text} is no port; use a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise CommandError(
                f"Port {text} cannot be used ({error.strerror}). Stop what listens there, or: make up PORT=8010"
            ) from None
    return int(text)


def _start_hub(port: int, url: str) -> "subprocess.Popen[bytes]":
    """gunicorn with worker and scheduler inside. It ends when this process does, however that ends."""
    defaults = {
        "HUB_PUBLIC_URL": url,
        "HUB_OUTBOUND_ALLOW_HTTP": "true",
        "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        "HUB_LOG_FORMAT": "console",
        "HUB_BIND": "127.0.0.1",
    }
    environ = defaults | dict(os.environ) | {"PORT": str(port), "HUB_UP_PARENT": str(os.getpid())}
    command = [program("gunicorn"), "-c", "config/gunicorn.py", "config.wsgi:application"]
    return subprocess.Popen(command, cwd=BASE_DIR, env=environ)  # noqa: S603  # our own fixed command


def _wait_until_ready(hub: "subprocess.Popen[bytes]", here: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if hub.poll() is not None:
            raise CommandError(f"the hub did not start (exit code {hub.returncode}); see the lines above")
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{here}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise CommandError(f"the hub did not become ready within {START_SECONDS:.0f} s; see the lines above")


def _onboard(content: dict[str, Any]) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml", dir=VAR_DIR) as file:
        Path(file.name).write_bytes(orjson.dumps(content))
        printed = io.StringIO()
        try:
            call_command("onboard", file.name, stdout=printed)
        except (CommandError, SystemExit) as error:
            raise CommandError(f"the demo tenants were refused: {error}\n{printed.getvalue()}") from None


def _stop(hub: "subprocess.Popen[bytes]") -> None:
    if hub.poll() is None:
        hub.terminate()
    try:
        hub.wait(timeout=20)
    except subprocess.TimeoutExpired:
        hub.kill()
        hub.wait()
