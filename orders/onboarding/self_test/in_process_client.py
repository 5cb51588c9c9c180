"""Calling the hub's own API as a client would, in this process and thread.

The public address may not be reachable from inside, and which port this process listens on is the server's business. So
a request is given to Django's own request handling: every middleware, route, view and query is the real one; socket,
TLS and the proxy in front are left out, and the signals of a request's begin and end: they are the outer request's.
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
        """None where the body is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def said(self) -> str:
        """A problem's or token error's own words."""
        told = self.json()
        if not isinstance(told, dict):
            return f"It answered {self.status}."
        words = told.get("detail") or told.get("error_description") or told.get("error") or told.get("title")
        return f"It answered {self.status}: {words}"


def call(method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> SurfaceAnswer:
    """In a context of its own: the request under way keeps its correlation id and its author of history."""
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
