"""Answers as JSON, whatever the Accept header asks for, with every digit of a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from orders.documents import render


class ExactJSONRenderer(BaseRenderer):
    """Decimals come out digit for digit. Bytes are JSON already and pass as they are; None is no body."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if data is None:
            return b""
        return data if isinstance(data, bytes) else render(data)


class OnlyOne(BaseContentNegotiation):
    """A view has one parser, which refuses what it does not read, and one renderer: there is nothing to choose."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        one = next(iter(renderers))
        return one, one.media_type
