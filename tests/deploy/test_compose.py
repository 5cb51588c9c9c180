"""docker-compose.yml cannot rot: each command of it is started as a process against the test servers."""

from __future__ import annotations

import base64
import os
import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.deploy.compose import ROOT, MissingVariableError, services
from tests.processes import HubProcess, free_port, wait_until

REQUIRED = {
    "POSTGRES_PASSWORD": "letters1",
    "REDIS_PASSWORD": "letters2",
    "HUB_SECRET_KEY": secrets.token_urlsafe(64),
    "HUB_ENCRYPTION_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "HUB_PUBLIC_URL": "https://hub.example.com",
}
ENDED_BY_US = {0, 2, -15, 143}  # make passes SIGTERM on and ends by it


@pytest.fixture
def fresh_database():
    """The URL of an empty database on the test server, as a first `compose up` finds it."""
    server, name = os.environ["DATABASE_URL"], f"compose_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environ_of(service: dict, database_url: str, port: int) -> dict[str, str]:
    """What the container would have, with the test servers in place of the services postgres and redis."""
    machine = {
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        "VENV": sys.prefix,
        "HOME": os.environ.get("HOME", "/"),
        "HOSTNAME": socket.gethostname(),
        "PORT": str(port),
    }
    return machine | service["environment"] | {"DATABASE_URL": database_url, "REDIS_URL": os.environ["REDIS_URL"]}


def healthy(service: dict, environ: dict[str, str], port: int) -> bool:
    """Whether the file's own health check passes."""
    kind, *command = service["healthcheck"]["test"]
    shown = [part.replace(":8000/", f":{port}/") for part in command]
    command = ["/bin/sh", "-c", *shown] if kind == "CMD-SHELL" else shown
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=60, check=False).returncode == 0


def comes_up_and_stops(service: dict, environ: dict[str, str], port: int, log: Path) -> None:
    with HubProcess(service["command"], environ=environ, log=log) as hub:
        wait_until(
            lambda: healthy(service, environ, port) or hub.process.poll() is not None,
            every=1,
            why=lambda: f"{service['command']} never passes its health check:\n{hub.text[-3000:]}",
        )
        if service["command"] == ["make", "serve"]:
            hub.wait_for_status(f"http://127.0.0.1:{port}/readyz", 200)
        assert hub.stop() in ENDED_BY_US, hub.text
        assert "Traceback" not in hub.text


@pytest.mark.needs_postgres
@pytest.mark.needs_redis
def test_every_command_of_the_file_comes_up_and_stops_on_sigterm(fresh_database, empty_redis, tmp_path):
    found, port = services(REQUIRED), free_port()
    environ = environ_of(found["web"], fresh_database, port)
    migrate = found["migrate"]["command"]
    with (
        HubProcess(migrate, environ=environ, log=tmp_path / "migrate1.log") as one,
        HubProcess(migrate, environ=environ, log=tmp_path / "migrate2.log") as two,
    ):
        assert (one.process.wait(timeout=120), two.process.wait(timeout=120)) == (0, 0), one.text + two.text
    for name in ("web", "worker-inbound", "worker-outbound", "beat"):
        assert found[name]["environment"] == found["migrate"]["environment"]
        comes_up_and_stops(found[name], environ, port, tmp_path / f"{name}.log")


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_no_secret_has_a_default(name):
    with pytest.raises(MissingVariableError, match=f"^{name}: set it in .env"):
        services({key: value for key, value in REQUIRED.items() if key != name})


def test_every_service_is_restarted_checked_and_keeps_its_data():
    found = services(REQUIRED)
    assert set(found) == {"postgres", "redis", "migrate", "proxy", "web", "worker-inbound", "worker-outbound", "beat"}
    for name, service in found.items():
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
        assert ("healthcheck" in service) == (name != "migrate")
        assert ":" in service["image"]
    assert found["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql/data"]
    assert found["redis"]["volumes"] == ["redis-data:/data"]
    assert found["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("web", "worker-inbound", "worker-outbound", "beat"):
        assert found[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_redis_wants_the_password_that_the_hub_and_the_health_check_give():
    found = services(REQUIRED)
    command = found["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == "letters2"
    assert found["redis"]["environment"] == {"REDISCLI_AUTH": "letters2"}
    assert found["web"]["environment"]["REDIS_URL"] == "redis://:letters2@redis:6379/0"
    assert "ports" not in found["redis"]


def test_the_hub_is_reached_through_its_proxy_only_which_it_trusts():
    found = services(REQUIRED)
    assert [name for name, service in found.items() if "ports" in service] == ["proxy"]
    assert found["proxy"]["volumes"] == ["./deploy/nginx.conf:/etc/nginx/nginx.conf:ro"]
    address = found["proxy"]["networks"]["front"]["ipv4_address"]
    assert found["web"]["environment"]["HUB_TRUSTED_PROXIES"] == f"{address}/32"
    (listened,) = re.findall(r"listen (\d+);", (ROOT / "deploy/nginx.conf").read_text())
    assert found["proxy"]["ports"] == [f"8000:{listened}"]


def test_the_commands_are_targets_of_the_makefile():
    found = services(REQUIRED)
    commands = {
        name: service["command"] for name, service in found.items() if name not in ("postgres", "redis", "proxy")
    }
    assert commands == {
        "migrate": ["make", "migrate"],
        "web": ["make", "serve"],
        "worker-inbound": ["make", "worker", "QUEUES=inbound"],
        "worker-outbound": ["make", "worker", "QUEUES=outbound"],
        "beat": ["make", "beat"],
    }


def read_by_the_hub() -> set[str]:
    """The names that config/env.py asks its environment for."""
    from config.env import read_env

    asked: set[str] = set()

    class Asked(dict):
        def get(self, name, default=None):
            asked.add(name)
            return REQUIRED.get(name, default) if name != "HUB_SECRET_KEY" else REQUIRED[name]

    read_env(Asked(), var_dir=Path(os.devnull))
    return asked


def test_every_variable_of_the_hub_is_in_the_example_and_reaches_the_containers():
    example = [
        line.split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
    ]
    assert len(example) == len(set(example))
    assert set(example) == read_by_the_hub() | {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "PORT", "HUB_BIND"}
    assert set(services(REQUIRED)["web"]["environment"]) == read_by_the_hub()


def test_the_example_holds_no_value():
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not line.endswith("=")] == []
