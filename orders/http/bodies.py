"""Request bodies: size, then content type, then the bytes."""

from __future__ import annotations

from codecs import BOM_UTF8

from django.http import HttpRequest
from gunicorn.http.errors import ParseException

from orders.http.lengths import stated_length
from orders.values.problems import InvalidBody, TooLarge, UnsupportedMediaType

BODY_LIMIT_BYTES = 1024 * 1024
"""413 over 1 MiB (docs/reference/limits.md)."""
BROKEN_OFF = "The body broke off before its end, or its chunks could not be read; send the whole request again."


def read_body(request: HttpRequest, *, content_type: str = "application/json", limit: int = BODY_LIMIT_BYTES) -> bytes:
    """The raw body, without a byte order mark (RFC 8259, section 8.1). Raises TooLarge (413), UnsupportedMediaType
    (415), InvalidBody (400, none sent), in this order."""
    body = _read_limited(request, limit).removeprefix(BOM_UTF8)
    given = request.content_type or ""
    charset = request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"
    if given.lower() != content_type or charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"Send the body as {content_type} in UTF-8, not as {given[:100] or 'unnamed'}.")
    check_encoding(request)
    if not body:
        raise InvalidBody("The request has no body.")
    return body


def _read_limited(request: HttpRequest, limit: int) -> bytes:
    length = stated_length(request)
    if length > limit:
        raise _too_large(limit)
    stream = request.META["wsgi.input"] if _is_chunked(request) else request
    try:
        body: bytes = stream.read(limit + 1)
    except (OSError, ParseException):  # the caller is gone, or its chunks are none
        raise InvalidBody(BROKEN_OFF) from None
    if len(body) > limit:
        raise _too_large(limit)
    if len(body) < length:
        raise InvalidBody(BROKEN_OFF)
    return body


def check_encoding(request: HttpRequest) -> None:
    """RFC 9110, section 15.5.16: what is sent compressed is refused with what would be read. Raises
    UnsupportedMediaType."""
    named = request.headers.get("Content-Encoding", "identity")
    if named.strip().lower() not in ("", "identity"):
        detail = f"Send the body as it is, without Content-Encoding {named[:100]}."
        raise UnsupportedMediaType(detail, headers={"Accept-Encoding": "identity"})


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit:,} bytes; send less at once.")


def has_body(request: HttpRequest) -> bool:
    """Whether the caller sent a body at all, of whatever kind. Raises InvalidBody."""
    return stated_length(request) > 0 or _is_chunked(request)


def _is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
