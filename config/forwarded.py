"""Who really calls and under which name, when a proxy stands in front (docs/reference/environment.md#addresses).

``X-Forwarded-*`` is believed only from the networks named there; from anybody else it is dropped. A forwarded request
never counts as a call from loopback, whichever proxy forwarded it and whatever address it names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from orders.api.errors import bad_request

HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")
NOBODY = ""
"""The address of a caller that the proxies did not name in a way we can read; it is in no network."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForwardedHeaders:
    """Puts the caller's own address, scheme and host where Django looks for them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        if any(name in meta for name in HEADERS):
            meta["HUB_FORWARDED"] = True
            if is_trusted(address_of(meta.get("REMOTE_ADDR", ""))):
                believe(meta)
            for name in HEADERS:
                meta.pop(name, None)
        return self._get_response(request)


class KnownHost:
    """Refuses a Host header that is not one of HUB_ALLOWED_HOSTS (400), save for probes, which come by address."""

    PROBES = ("/livez", "/readyz")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in self.PROBES:
            try:
                request.get_host()
            except DisallowedHost as error:  # answered here, or Django logs a stack for every stranger's try
                return bad_request(request, error)
        return self._get_response(request)


def believe(meta: MutableMapping[str, Any]) -> None:
    """Apply a trusted proxy's headers: the nearest word of each header, the first address that is no proxy's."""
    if "HTTP_X_FORWARDED_FOR" in meta:
        meta["REMOTE_ADDR"] = caller(meta["HTTP_X_FORWARDED_FOR"])
    scheme = _nearest(meta.get("HTTP_X_FORWARDED_PROTO", "")).lower()
    if scheme in ("http", "https"):
        meta["wsgi.url_scheme"] = scheme
    host = _nearest(meta.get("HTTP_X_FORWARDED_HOST", ""))
    if host:
        meta["HTTP_HOST"] = host


def caller(forwarded_for: str) -> str:
    """The last address that is not itself a trusted proxy, read from the near end; NOBODY where it is no address."""
    chain = [address_of(part) for part in forwarded_for.split(",")]
    while len(chain) > 1 and is_trusted(chain[-1]):
        chain.pop()
    return NOBODY if chain[-1] is None else str(chain[-1])


def is_trusted(address: Address | None) -> bool:
    return address is not None and any(address in network for network in settings.HUB_TRUSTED_PROXIES)


def address_of(text: str) -> Address | None:
    """An address as proxies write it: with brackets, a port, or an IPv4 inside an IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _nearest(values: str) -> str:
    return values.rpartition(",")[2].strip()
