"""Error pages of the admin: not found, not allowed, failed, each with a next step.

Programs, and addresses outside the admin, get a problem (orders.api.errors) or Django's own bare answer.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import permission_denied

from orders.api import errors
from orders.http.correlation import correlation_id

PAGES = "/admin/"
WORDS = {
    403: (
        "This page is not for your login",
        "What you opened belongs to another role or another tenant. If you need it for your work, ask a superuser to "
        "change your role.",
    ),
    404: (
        "There is no such page",
        "The address is mistyped, or its row was removed. Find the order by any id that you have.",
    ),
    500: (
        "The hub failed to show this page",
        "A change was made completely or not at all. Try once more; if it fails again, report the correlation "
        "id below to those who run the hub.",
    ),
}


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _page(request, 403, lambda: permission_denied(request, exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return _page(request, 404, lambda: errors.page_not_found(request, exception))


def no_page(request: HttpRequest, **named: str) -> HttpResponse:
    """For an address of Django's admin that the hub does not offer."""
    raise Http404


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    return _page(request, 500, lambda: errors.server_error(request))


def _page(request: HttpRequest, status: int, bare: Callable[[], HttpResponse]) -> HttpResponse:
    if not (request.path_info.startswith(PAGES) and request.accepts("text/html") and "Accept" in request.headers):
        return bare()
    title, next_step = WORDS[status]
    try:
        said = {"title": title, "next_step": next_step, "finds": status == 404, "correlation_id": correlation_id()}
        return render(request, "admin/orders/failed.html", admin.site.each_context(request) | said, status=status)
    except Exception:  # noqa: BLE001 - the database may be what failed
        return bare()
