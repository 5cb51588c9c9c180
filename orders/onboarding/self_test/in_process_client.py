"""Call the hub's own API in this process and thread.

The public address may not be reachable from inside, and the process does not know its port. So the request goes to
Django's request handling: all middleware, routes, views and queries are real; socket, TLS and the proxy in front are
left out, and so are the request_started and request_finished signals, which belong to the outer request.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse


@dataclass(frozen=True, slots=True)
class SurfaceAnswer:
    status: int
    body: bytes

    def json(self) -> Any:
        """The body; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def said(self) -> str:
        """The detail of a problem or token error."""
        body = self.json()
        if not isinstance(body, dict):
            return f"It answered {self.status}."
        words = body.get("detail") or body.get("error_description") or body.get("error") or body.get("title")
        return f"It answered {self.status}: {words}"


def call(method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> SurfaceAnswer:
    """Call in a context of its own, so that the present request keeps its correlation id and history author."""
    environ = _environ(method, target, headers or {}, body)
    return copy_context().run(_answer, environ)


@cache
def _handler() -> BaseHandler:
    handler = BaseHandler()
    handler.load_middleware()
    return handler


def _answer(environ: dict[str, Any]) -> SurfaceAnswer:
    request = WSGIRequest(environ)
    try:
        response = _handler().get_response(request)
        return SurfaceAnswer(response.status_code, response.content if isinstance(response, HttpResponse) else b"")
    finally:
        request.close()


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    public = urlsplit(settings.HUB_PUBLIC_URL)
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": public.hostname or "localhost",
        "SERVER_PORT": str(public.port or (443 if public.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": public.netloc.rpartition("@")[2],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": public.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
