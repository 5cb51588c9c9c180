"""Orders through every road over real sockets: web, workers and scheduler as processes on PostgreSQL and Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.demo.partners import start_partners
from config.demo.scenario import Scenario
from config.demo.secrets import demo_secrets
from config.demo.tenants import onboarding_file
from tests.processes import HubProcess, free_port

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_redis]
ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = {"HUB_OUTBOUND_ALLOW_HTTP": "true", "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "HUB_BIND": "127.0.0.1"}


@pytest.fixture
def running(hub_environ, empty_redis, tmp_path):
    """The hub as in production with the demo tenants; yields its address, the partners and their secrets."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = hub_environ | LOOPBACK | {"PORT": str(port), "HUB_PUBLIC_URL": url}
    secrets = demo_secrets(tmp_path)
    partners = start_partners(url, secrets)
    file = tmp_path / "demo.yaml"
    file.write_text(json.dumps(onboarding_file(partners, secrets)))
    with ExitStack() as stack:
        stack.callback(partners.stop)
        for name in ("serve", "worker", "beat"):
            command = [sys.executable, "manage.py", name]
            process = stack.enter_context(HubProcess(command, environ=environ, log=tmp_path / f"{name}.log"))
            if name == "serve":
                process.wait_for_status(f"{url}/readyz")
        subprocess.run([sys.executable, "manage.py", "onboard", str(file)], cwd=ROOT, env=environ, check=True)
        yield url, partners, secrets


PARTNER_CALLS = [
    "proxied read",
    "write refused in proxy mode",
    "order event",
    "supplier webhook",
    "order data fetched",
    "warehouse import",
]


def test_orders_go_through_every_channel_and_a_broken_one_reports_it(running):
    url, partners, secrets = running
    lines = list(Scenario(url, partners, secrets).steps())
    assert [(line.what, line.detail) for line in lines if not line.happened] == []
    assert [line.what for line in lines] == PARTNER_CALLS
    partners.oms.stop()
    again = {line.what: line for line in Scenario(url, partners, secrets, run="again").steps()}
    assert not again["proxied read"].happened
    assert "502" in again["proxied read"].detail
    assert again["warehouse import"].happened
