"""Request bodies as DRF parsers: size, then media type, then content (docs/reference/api.md#checks).

DRF chooses a parser by media type before it reads, and reads nothing where no length is stated. Here the size is
judged first, chunks have no stated length, and an empty body is a fault with a name; so the one parser of a view gets
every body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from orders.documents import decode
from orders.http.bodies import BODY_LIMIT_BYTES, has_body, read_body


class ApiRequest(Request):
    """DRF's request, whose body goes to the parser however long it is and however it is sent."""

    data: Any
    user: Any

    @property
    def stream(self) -> HttpRequest:
        return self._request


class RawJSONParser(BaseParser):
    """The bytes of a JSON body, for a view whose schema reads them and which keeps their digits."""

    media_type = "application/json"
    limit_bytes: ClassVar[int] = BODY_LIMIT_BYTES

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Raises TooLarge (413), UnsupportedMediaType (415), InvalidBody (400, none sent), in this order."""
        return read_body(stream, content_type=self.media_type, limit=self.limit_bytes)


class StrictJSONParser(BaseParser):
    """The value of a JSON body, numbers as int or Decimal; any malformed JSON is InvalidBody (400)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return decode(read_body(stream))


class OptionalJSONParser(StrictJSONParser):
    """The same, and ``{}`` where no body was sent."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return super().parse(stream, media_type, parser_context) if has_body(stream) else {}
