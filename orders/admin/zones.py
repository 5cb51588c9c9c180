"""Times in the reader's own zone: the browser's (a cookie that zone.js keeps), else its tenant's, else UTC.

Only what a page shows depends on it. The first page of a new browser comes before the cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from orders.models.tenants import time_zones

COOKIE = "hub_zone"
PAGES = "/admin/"


class ReadersZone:
    """Middleware, after the login: everything below it writes times in the reader's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PAGES):
            return self._get_response(request)
        with timezone.override(zone_of(request)):
            return self._get_response(request)


def zone_of(request: HttpRequest) -> ZoneInfo:
    """A name that is no zone's is nobody's: cookies come from outside."""
    wanted = request.COOKIES.get(COOKIE, "")
    if wanted in time_zones():
        return ZoneInfo(wanted)
    binding = getattr(request.user, "staff_tenant", None) if request.user.is_authenticated else None
    return binding.tenant.zone if binding else ZoneInfo("UTC")
