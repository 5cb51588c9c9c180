"""What every answer carries, as a real server sends it."""

import http.client
import sys
from contextlib import closing

import pytest

from tests.processes import HubProcess, free_port

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_redis]


def ask(port, method, path):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_head_is_get_without_the_body_and_every_answer_says_its_length(hub_environ, tmp_path):
    port = free_port()
    environ = hub_environ | {"PORT": str(port), "HUB_BIND": "127.0.0.1"}
    with HubProcess([sys.executable, "manage.py", "serve"], environ=environ, log=tmp_path / "web.log") as web:
        web.wait_for_status(f"http://127.0.0.1:{port}/livez")
        for path in ("/schemas/v1/openapi.json", "/api/v1/order-events", "/nowhere"):
            status, headers, body = ask(port, "GET", path)
            head_status, head_headers, head_body = ask(port, "HEAD", path)
            assert (head_status, head_body) == (status, b"")
            assert headers["Content-Length"] == str(len(body))
            assert headers["Transfer-Encoding"] is None
            if status == 200:
                assert head_headers["Content-Length"] == headers["Content-Length"]
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["Correlation-Id"]
        assert "RFC 9110" not in web.text
