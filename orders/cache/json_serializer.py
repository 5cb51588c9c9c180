"""What the hub keeps in Redis is JSON. Django's own choice is pickle, where reading runs what a writer put there."""

from __future__ import annotations

from typing import Any

import orjson

LONGEST_BYTES = 65_536
"""Of a value. The longest that the hub keeps is a partner's token, sealed: some kilobytes."""


class JsonSerializer:
    """For Django's Redis cache (``OPTIONS["serializer"]``). What is no JSON, or long, reads as None: it is
    not there."""

    def dumps(self, value: Any) -> int | bytes:
        """Whole numbers stay bare, so that Redis can count with them. Raises TypeError for what JSON cannot hold."""
        return value if type(value) is int else orjson.dumps(value)

    def loads(self, data: bytes | int) -> Any:
        if isinstance(data, bytes) and len(data) > LONGEST_BYTES:
            return None
        try:
            return orjson.loads(data if isinstance(data, bytes) else str(data))
        except orjson.JSONDecodeError:
            return None
