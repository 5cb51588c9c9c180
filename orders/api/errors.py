"""The edge where every exception below a view becomes one problem answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from orders.http.correlation import correlation_id
from orders.values.problems import (
    Internal,
    InvalidBody,
    InvalidParameter,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unavailable,
)

log = structlog.get_logger("orderhub.errors")


PROBLEM_JSON = "application/problem+json"
"""RFC 9457."""


class ProblemResponse(HttpResponse):
    """A problem answered outside DRF's views."""

    def __init__(self, problem: Problem) -> None:
        body = orjson.dumps(problem.as_json(correlation_id()))
        super().__init__(body, status=problem.status, headers=problem.headers, content_type=PROBLEM_JSON)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: any exception of a view becomes a problem; what is unforeseen is logged with its stack."""
    problem = problem_of(error)
    said = problem.as_json(correlation_id())
    return Response(said, status=problem.status, headers=problem.headers, content_type=PROBLEM_JSON)


def problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("database unavailable", exc_info=error)
        return Unavailable("The hub's database is not reachable; send the same request again.", retry_after=2)
    if isinstance(error, SuspiciousOperation):
        return InvalidParameter("The address or a header could not be read.")
    if isinstance(error, APIException) and error.status_code < 500:
        return InvalidBody("The request could not be read.")
    log.error("unforeseen error", exc_info=error)
    return Internal("The hub failed to answer; tell its operators the correlation id.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return ProblemResponse(NotFound())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return ProblemResponse(InvalidParameter("The request could not be read; check the Host header and the address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; the log has the stack under the correlation id."""
    return ProblemResponse(Internal("The hub failed to answer; tell its operators the correlation id."))


def method_not_allowed(*allowed: str) -> MethodNotAllowed:
    return MethodNotAllowed(headers={"Allow": ", ".join(allowed)})


def reads_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A plain view that answers GET and HEAD; anything else is 405."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return ProblemResponse(method_not_allowed("GET", "HEAD"))
        return view(request)

    return checked
