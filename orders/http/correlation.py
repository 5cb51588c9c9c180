"""One id per request, taken from the caller or made, returned, logged and passed on to partners."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "Correlation-Id"
SLOW_SECONDS = 1.0
"""A request that takes longer is logged even when it went well."""

_current: ContextVar[str] = ContextVar("correlation_id", default="")
_well_formed = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch
log = structlog.get_logger("orderhub.requests")


def correlation_id() -> str:
    """The id in force; a new one where no request is being answered."""
    current = _current.get()
    if not current:
        current = uuid.uuid4().hex
        _current.set(current)
    return current


def with_correlation_id(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of logging: the id in force, where a request is being answered."""
    current = _current.get()
    if current:
        entry.setdefault("correlation_id", current)
    return entry


class CorrelationMiddleware:
    """Sets the id for the request, returns it, and logs what no row tells: errors and slow answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        current = given if _well_formed(given) else uuid.uuid4().hex
        token = _current.set(current)
        started = time.perf_counter()
        try:
            response = self._get_response(request)
            response.headers[HEADER] = current
            self._log(request, response, time.perf_counter() - started)
            return response
        finally:
            _current.reset(token)

    @staticmethod
    def _log(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
        if response.status_code < 400 and seconds < SLOW_SECONDS:
            return
        tell = log.error if response.status_code >= 500 else log.info
        tell(
            "request",
            method=request.method,
            path=request.path_info,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
        )
