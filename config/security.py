"""What every answer carries for the browser's sake, and the login machinery for the staff's pages only.

Machines come with tokens: their paths skip sessions, CSRF and messages, which they never need and would pay for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin
from simple_history.middleware import HistoryRequestMiddleware

from orders.http.lengths import BAD_LENGTH, stated_length
from orders.values.problems import InvalidBody

MACHINE_PATHS = ("/api/", "/oauth2/", "/livez", "/readyz", "/healthz", "/metrics", "/schemas/")

STRICT_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ADMIN_CSP = STRICT_CSP.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'")
"""The admin theme evaluates its Alpine expressions; nothing else may."""
FORM_BYTES = 33 * 1024 * 1024
"""The largest file that a page takes, a list of orders, and the form around it."""
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()" for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)
"""What no page here needs, and what a page that was broken into would ask for."""


def is_machine(request: HttpRequest) -> bool:
    return request.path_info.startswith(MACHINE_PATHS)


class SecurityHeaders:
    """Content security policy on every answer; none of the API or the admin is ever kept by a cache or browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        admin = request.path_info.startswith("/admin/")
        response.headers.setdefault("Content-Security-Policy", ADMIN_CSP if admin else STRICT_CSP)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if admin or is_machine(request):
            response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code in (204, 304):
            response.headers.pop("Content-Type", None)  # of a body that is not there; Django says HTML
        elif isinstance(response, HttpResponse):
            _measure(request, response)
        return response


def _measure(request: HttpRequest, response: HttpResponse) -> None:
    """Content-Length instead of chunks; a HEAD's answer has the length of the body that it leaves out."""
    response.headers.setdefault("Content-Length", str(len(response.content)))
    if request.method == "HEAD":
        response.content = b""


class BoundedForms:
    """Before anything reads a form: a stranger's endless upload would fill the disk while its token is searched.

    A length in an odd spelling is refused: readers that disagree about it read different requests. The API reads no
    more than its own limit, whatever the length says.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_machine(request):
            return self._get_response(request)
        try:
            length = stated_length(request)
        except InvalidBody:
            return HttpResponse(BAD_LENGTH, status=400, content_type="text/plain; charset=utf-8")
        if length > FORM_BYTES:
            words = f"What was sent is larger than {FORM_BYTES // 1024**2} MiB; send a file in several parts."
            return HttpResponse(words, status=413, content_type="text/plain; charset=utf-8")
        return self._get_response(request)


class _StaffOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if is_machine(request) else super().__call__(request)


class StaffSessions(_StaffOnly, SessionMiddleware):
    pass


class StaffCsrf(_StaffOnly, CsrfViewMiddleware):
    def process_view(self, request: HttpRequest, *rest: Any) -> Any:
        return None if is_machine(request) else super().process_view(request, *rest)


class StaffAuthentication(_StaffOnly, AuthenticationMiddleware):
    pass


class StaffMessages(_StaffOnly, MessageMiddleware):
    pass


class StaffHistory:
    """Whose change it is that goes on record. What an API client changes is recorded by the service that does it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._recorded: Callable[[HttpRequest], HttpResponseBase] = HistoryRequestMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request) if is_machine(request) else self._recorded(request)
