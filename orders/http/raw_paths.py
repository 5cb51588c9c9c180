"""Addresses as the caller wrote them: ids may hold ``/``, ``%``, ``:`` and blanks, so routes match the raw path.

RAW_URI -> RawPathMiddleware -> request.path_info, still encoded -> path("…/<segment:customer_order_id>")
                                                                  -> the id, decoded once, in the view's kwargs
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes, urlsplit

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from orders.documents import check_id

RAW_PREFIX = "/api/"
_ENCODED_COLON = re.compile(r"%3[Aa](?=[a-z]+\Z)")
"""Before a verb at the end, as in ``…%3Asearch``. Of an id that ends so the decoded text stays the same."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class RawPathMiddleware:
    """Gives the resolver the percent-encoded path under ``/api/``; each segment is decoded once, by its converter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(RAW_PREFIX):
            request.path_info = _ENCODED_COLON.sub(":", raw_path(request))
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


class Segment:
    """Path converter: one segment, decoded. Whether it is an id (``fault_of_id``) is asked later: 403 precedes 400."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return decode_segment(value)

    def to_url(self, value: str) -> str:
        return encode_segment(value)


class HubId(Segment):
    """An id that the hub made, so without colon: a verb may follow it."""

    regex = "[^/:]+"


def encode_segment(text: str) -> str:
    """Percent-encode an id for one path segment, so that it can never leave it."""
    return quote(text, safe="")
