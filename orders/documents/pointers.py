"""JSON pointers (RFC 6901)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLACE_IN_A_LIST = re.compile(r"/\d+(?=/|$)")


def pointer(path: Iterable[str | int]) -> str:
    """``("items", 0, "a/b")`` as ``/items/0/a~1b``; the empty path is the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def without_places(text: str) -> str:
    """The pointer with ``*`` for each place in a list: all lines of an order are one kind."""
    return _PLACE_IN_A_LIST.sub("/*", text)
