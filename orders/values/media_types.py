"""``Content-Type`` taken apart (RFC 9110, section 8.3.1)."""

from __future__ import annotations

import re

_PARAMETER = re.compile(r';\s*([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))')


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """The type and its parameters by name, names and type in small letters. What is no parameter is left out; of one
    that is given twice the first counts."""
    kind, semicolon, rest = value.partition(";")
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(semicolon + rest):
        parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    return kind.strip().lower(), parameters
