"""The body of ``PUT /api/v1/proxy-config``, exactly the two of docs/reference/customer-order.md#external-tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orders.access.sealing import MASK
from orders.documents.pointers import pointer
from orders.outgoing import OutgoingError, check_shape
from orders.values.problems import Fault, InvalidBody

MEMBERS = {"basic": ("username", "password"), "oauth2": ("clientId", "clientSecret", "authUrl")}
SECRETS = ("password", "clientSecret")
LONGEST = 2_000
"""Characters, as of any text in a document (docs/reference/customer-order.md#values)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ConfigBody:
    type: str
    public: dict[str, str]
    secret: str = field(repr=False)


def config_of(value: Any) -> ConfigBody:
    """Raises InvalidBody with every fault."""
    if faults := list(_faults(value)):
        raise InvalidBody("The body is not one of the two configurations.", errors=faults)
    config = dict(value["config"])
    secret = next(config.pop(name) for name in SECRETS if name in config)
    return ConfigBody(value["type"], config, secret)


def _faults(value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault("", 'Expected an object with "type" and "config".')
        return
    yield from _members(value, ("type", "config"), at="")
    kind = value.get("type")
    if "type" in value and (not isinstance(kind, str) or kind not in MEMBERS):
        yield Fault("/type", 'Expected "basic" or "oauth2".')
        return
    config = value.get("config")
    if "config" in value and not isinstance(config, dict):
        yield Fault("/config", "Expected an object.")
    elif isinstance(config, dict) and isinstance(kind, str):
        yield from _config_faults(config, MEMBERS[kind])


def _config_faults(config: dict[str, Any], names: tuple[str, ...]) -> Iterator[Fault]:
    yield from _members(config, names, at="/config")
    for name in names:
        if name in config and (reason := _wrong(name, config[name])):
            yield Fault(f"/config/{name}", reason)


def _members(found: dict[str, Any], names: tuple[str, ...], *, at: str) -> Iterator[Fault]:
    for name in names:
        if name not in found:
            yield Fault(f"{at}/{name}", "A required member is missing.")
    for name in found:
        if name not in names:
            yield Fault(at + pointer([name]), "Unknown member: correct its name or leave it out.")


def _wrong(name: str, text: Any) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST or _CONTROL.search(text):
        return f"Expected a string of 1 to {LONGEST} characters without control characters."
    if name in SECRETS and text == MASK:
        return "This is the mask and not the secret; send the secret itself."
    if name == "username" and ":" in text:
        return "A user name of Basic authentication has no colon."
    return _wrong_url(text) if name == "authUrl" else ""


def _wrong_url(text: str) -> str:
    """Its form only; where it leads is judged when connecting."""
    try:
        check_shape(text)
    except OutgoingError as error:
        return f"Expected an http(s) URL: {error}."
    return ""
