"""Content-Length in one spelling only: readers that disagree about it would read different requests."""

from __future__ import annotations

import re

from django.http import HttpRequest

from orders.values.problems import InvalidBody

BAD_LENGTH = "Content-Length must be a plain number of at most 18 digits, without leading zeros."
_LENGTH = re.compile(r"0|[1-9][0-9]{0,17}")
"""18 digits always fit 64 bits."""


def stated_length(request: HttpRequest) -> int:
    """Bytes; 0 where none are stated. Raises InvalidBody."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length):
        raise InvalidBody(BAD_LENGTH)
    return int(length)
