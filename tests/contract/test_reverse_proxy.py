"""deploy/nginx.conf: nginx accepts it, and requests that go through it arrive as they were sent."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest

from config.security import FORM_BYTES
from orders.api.load import LIMIT_BYTES
from orders.api.token import FORM_LIMIT_BYTES
from orders.http.bodies import BODY_LIMIT_BYTES
from tests.bodies import body
from tests.contract.test_half_sent import PROMPT_SECONDS, SHAPES, connections, seconds_of_others
from tests.contract.wire import ORDERS, Wire
from tests.processes import HubProcess, free_port

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = (ROOT / "deploy/nginx.conf").read_text()
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
ODD_ID = "a/b %2F:ø"
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx-light)")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs_postgres,
    pytest.mark.needs_redis,
]


@pytest.fixture(scope="module")
def proxied(proxied_wire):
    """The hub, reached through nginx."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # nginx's workers are another account when it is started by root
        adapted = WRITTEN.replace("web:8000", f"127.0.0.1:{proxied_wire.port}").replace("/tmp/", f"{folder}/")
        adapted = adapted.replace("listen 8080", f"listen 127.0.0.1:{port}")
        file = Path(folder) / "nginx.conf"
        file.write_text(adapted)
        command = [NGINX, "-p", folder, "-c", str(file), "-g", "daemon off;"]
        subprocess.run([*command, "-t"], check=True, capture_output=True, timeout=60)
        with HubProcess(command, environ={}, log=Path(folder) / "nginx.log") as nginx:
            nginx.wait_for_status(f"http://127.0.0.1:{port}/livez")
            yield Wire(port, nginx)


@needs_nginx
def test_a_path_arrives_as_it_was_sent(proxied):
    target = f"{ORDERS}/{quote(ODD_ID, safe='')}"
    sent = body(ODD_ID)
    answer = proxied.ask("PUT", target, "Content-Type: application/json", sent=sent)
    assert answer.status == 202
    event = proxied.ask("GET", f"/api/v1/order-events/{json.loads(answer.body)['eventId']}")
    assert json.loads(event.body)["customerOrderId"] == ODD_ID


@needs_nginx
def test_a_body_larger_than_the_hub_takes_is_refused_in_its_words(proxied):
    answer = proxied.ask("PUT", f"{ORDERS}/x", "Content-Type: application/json", sent=b" " * (BODY_LIMIT_BYTES + 1))
    assert (answer.status, answer.problem) == (413, "too-large")
    assert json.loads(answer.body)["correlationId"] == answer.headers["correlation-id"]


@needs_nginx
def test_a_body_as_large_as_the_hub_takes_is_read_by_it(proxied):
    answer = proxied.ask("PUT", f"{ORDERS}/x", "Content-Type: application/json", sent=b" " * BODY_LIMIT_BYTES)
    assert (answer.status, answer.problem) == (400, "invalid-body")


@needs_nginx
def test_a_caller_through_a_proxy_is_not_taken_for_this_machine(proxied, proxied_wire):
    assert proxied_wire.ask("GET", "/metrics").status == 200
    for header in ("X-Other: none", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"):
        assert proxied.ask("GET", "/metrics", header).status in (401, 403, 404)


@needs_nginx
def test_a_caller_does_not_choose_the_host_or_scheme_that_the_hub_sees(proxied):
    for header in ("X-Forwarded-Host: evil.test", "Forwarded: host=evil.test;proto=https", "X-Forwarded-Proto: https"):
        answer = proxied.ask("GET", "/admin/", header)
        assert answer.status == 302
        assert "strict-transport-security" not in answer.headers
        assert answer.headers["location"].startswith("/")


@needs_nginx
@pytest.mark.parametrize("shape", ["half the headers", "half the body"])
def test_half_sent_requests_do_not_reach_the_hub(proxied, shape):
    with connections(proxied.port, 200, SHAPES[shape]):
        assert seconds_of_others(proxied) < PROMPT_SECONDS


def test_its_limits_are_the_hubs():
    sizes = dict(re.findall(r"location (?:= )?(\S+) \{\n\s+client_max_body_size (\d+[km]);", WRITTEN))
    sizes["all else"] = re.search(r"^ {8}client_max_body_size (\d+m);", WRITTEN, re.MULTILINE)[1]
    assert {place: in_bytes(size) for place, size in sizes.items()} == {
        "/api/": BODY_LIMIT_BYTES,
        "/api/v1/customer-orders:load": LIMIT_BYTES,
        "/oauth2/": FORM_LIMIT_BYTES,
        "all else": FORM_BYTES,
    }


def in_bytes(size: str) -> int:
    return int(size[:-1]) * {"k": 1024, "m": 1024**2}[size[-1]]
