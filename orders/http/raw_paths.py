"""Addresses as the caller wrote them: ids may hold ``/``, ``%``, ``:`` and blanks, so routes match the raw path."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes, urlsplit

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from orders.documents import check_id

RAW_PREFIX = "/api/"
COLON = "(?::|%3[Aa])"
"""Of a route with a verb, such as ``…:search``, as a caller may write it."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class RawPathMiddleware:
    """Gives the resolver the percent-encoded path under ``/api/``; each segment is decoded once, by the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(RAW_PREFIX):
            request.path_info = raw_path(request)
        return self._get_response(request)


def raw_path(request: HttpRequest) -> str:
    """The request target's path, percent-encoded as sent (the server's RAW_URI; quoted anew where it gives none)."""
    target = request.META.get("RAW_URI")
    if not target:
        return quote(request.path_info, safe="/:@!$&'()*+,;=~-._")
    if target.startswith("/"):
        return str(target).split("?", 1)[0].split("#", 1)[0]
    return str(urlsplit(target).path)


def decode_segment(segment: str) -> str:
    """One path segment, decoded once. Bytes that are no UTF-8 become lone surrogates (see ``fault_of_id``)."""
    return unquote_to_bytes(segment).decode("utf-8", errors="surrogateescape")


def fault_of_id(text: str) -> str | None:
    """Why a decoded segment cannot be an id, or None when it can."""
    return "is not valid UTF-8" if _SURROGATE.search(text) else check_id(text)


def encode_segment(text: str) -> str:
    """Percent-encode an id for one path segment, so that it can never leave it."""
    return quote(text, safe="")
