"""docker-compose.yml as the processes it would start: anchors merged, variables filled in as compose does it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[-?])([^}]*))?\})")


class MissingVariableError(Exception):
    """The message compose would stop with."""


def filled_in(text: str, environ: dict[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` is a dollar sign."""

    def value(match: re.Match[str]) -> str:
        dollar, name, operator, argument = match.groups()
        if dollar:
            return "$"
        found = environ.get(name, "")
        if not found and operator == ":?":
            raise MissingVariableError(f"{name}: {argument}")
        return found or (argument or "" if operator == ":-" else "")

    return VARIABLE.sub(value, text)


def services(environ: dict[str, str]) -> dict[str, dict]:
    """Every service by name, as the file says with this environment."""
    written = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return _each_text(written, lambda text: filled_in(text, environ))


def _each_text(value, change):
    if isinstance(value, dict):
        return {key: _each_text(member, change) for key, member in value.items()}
    if isinstance(value, list):
        return [_each_text(member, change) for member in value]
    return change(value) if isinstance(value, str) else value
