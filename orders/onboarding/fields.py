"""The types that values of the onboarding file are made of, for the core's keys and for the sections.

Validators raise ValueError with words that complete the sentence "This key …": "must be true or false".
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from orders.access.client_keys import read_key
from orders.access.sealing import MASK
from orders.documents.rules import is_id
from orders.models.tenants import slug_rule, time_zones
from orders.outgoing import OutgoingError, check_shape

__all__ = [
    "MASK", "BusinessUnits", "ClientId", "ClientSecret", "Country", "Entry", "HttpUrl", "Id", "Name", "Pattern",
    "PublicKey", "Schedule", "Scopes", "SecretText", "Slug", "TimeZone", "Words", "each_once", "text_of", "to_store",
]  # fmt: skip


LONGEST = 2_000
"""Characters of any text, as in an order document (docs/reference/customer-order.md#values)."""
SCHEDULE_STEPS, STEP_SECONDS = 50, 30 * 86_400
"""As of HUB_EVENT_RETRY_SCHEDULE: no step is longer than 30 days."""
CLIENT_SECRET_LEAST = 16
"""Characters of an API client's secret that is given by hand (docs/reference/api.md#tokens)."""
FROM_ENVIRONMENT = "from_environment"
"""The member of the validation context that says whether ``${ONBOARD_NAME}`` is read; without it, never."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_COUNTRY = re.compile(r"[a-z]{2}\Z")
_CLIENT_ID = re.compile(r"[!-9;-~]{1,100}\Z")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE_NAME = re.compile(r"ONBOARD_[A-Za-z0-9_]+\Z")


class Entry(BaseModel):
    """An object of the file: unknown keys are faults and nothing is converted ("5" is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    def given(self, key: str) -> bool:
        """Whether the key is in the file; an absent one has its default."""
        return key in self.model_fields_set

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """Nothing: secrets must not come into a log with an entry's repr."""
        yield from ()

    def __repr__(self) -> str:
        """Keys only: a value may be a secret."""
        return f"{type(self).__name__}({', '.join(sorted(self.model_fields_set))})"


def text_of(most: int) -> Callable[[str], str]:
    """Checks a text for its length and for control characters."""

    def check(text: str) -> str:
        if not 0 < len(text) <= most or _CONTROL.search(text):
            raise ValueError(f"must be a text of 1 to {most} characters without control characters")
        return text

    return check


def each_once(noun: str) -> Callable[[list[Any]], list[Any]]:
    """Checks that no two of a section's entries have the same id."""

    def check(entries: list[Any]) -> list[Any]:
        ids = [entry.id for entry in entries]
        twice = next((name for place, name in enumerate(ids) if name in ids[:place]), None)
        if twice is not None:
            raise ValueError(f"names the {noun} {twice!r} twice")
        return entries

    return check


def _slug(text: str) -> str:
    if not slug_rule.regex.match(text):  # type: ignore[union-attr]  # a compiled pattern once the rule is made
        raise ValueError("must be a-z, 0-9 and hyphens, at most 63, no hyphen first")
    return text


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError('must be an id: 1 to 128 characters, no control characters, no blank at either end, not "."')
    return text


def _url(text: str) -> str:
    """Its form only; where it leads is judged when connecting (docs/design/outgoing.md#addresses)."""
    if len(text) > LONGEST:
        raise ValueError(f"must be an http(s) URL of at most {LONGEST} characters")
    try:
        check_shape(text)
    except OutgoingError as error:
        raise ValueError(f"must be an http(s) URL: {error}") from None
    return text


def _time_zone(text: str) -> str:
    if text not in time_zones():
        raise ValueError("must be a time zone such as Europe/Copenhagen")
    return text


def _schedule(steps: list[float]) -> list[float]:
    if not 0 < len(steps) <= SCHEDULE_STEPS or not all(0 <= step <= STEP_SECONDS for step in steps):
        raise ValueError(f"must be 1 to {SCHEDULE_STEPS} numbers of seconds, each at most {STEP_SECONDS}")
    return steps


def _country(text: str) -> str:
    if not _COUNTRY.match(text):
        raise ValueError("must be two small letters such as dk")
    return text


def _client_id(text: str) -> str:
    """Also fit for Basic authorization, where a colon ends it (RFC 7617)."""
    if not _CLIENT_ID.match(text):
        raise ValueError("must be 1 to 100 visible ASCII characters without a colon or blank")
    return text


def _distinct(items: list[str]) -> list[str]:
    twice = next((item for place, item in enumerate(items) if item in items[:place]), None)
    if twice is not None:
        raise ValueError(f"names {twice!r} twice")
    return items


def _some(items: list[str]) -> list[str]:
    if not items:
        raise ValueError("must name at least one")
    return items


def _public_key(text: str) -> str:
    read_key(text)
    return text


def _opened(text: str, info: ValidationInfo) -> str:
    """``${ONBOARD_NAME}`` replaced by the environment's value, where the file may read it."""
    if "${" in text and not (info.context or {}).get(FROM_ENVIRONMENT):
        raise ValueError("must not hold ${…} here: only manage.py onboard reads the environment; write the secret")
    opened = _VARIABLE.sub(_variable, text)
    if not 0 < len(opened) <= LONGEST or _CONTROL.search(opened):
        raise ValueError(f"must be a secret of 1 to {LONGEST} characters without control characters")
    return opened


def _client_secret(text: str) -> str:
    if text != MASK and len(text) < CLIENT_SECRET_LEAST:
        raise ValueError(f"must have at least {CLIENT_SECRET_LEAST} characters")
    return text


def _variable(found: re.Match[str]) -> str:
    name = found.group(1)
    if not _VARIABLE_NAME.match(name):
        raise ValueError("may name only environment variables that begin with ONBOARD_, as ${ONBOARD_NAME}")
    if not os.environ.get(name):
        raise ValueError(f"names the environment variable {name}, which is not set; set it or write the secret")
    return os.environ[name]


Slug = Annotated[str, AfterValidator(_slug)]
Id = Annotated[str, AfterValidator(_id)]
"""An order's, business unit's, customer's or item's (docs/reference/api.md#ids)."""
Name = Annotated[str, AfterValidator(text_of(200))]
Pattern = Annotated[str, AfterValidator(text_of(200))]
Words = Annotated[str, AfterValidator(text_of(LONGEST))]
HttpUrl = Annotated[str, AfterValidator(_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Schedule = Annotated[list[float], AfterValidator(_schedule)]
Scopes = Annotated[list[str], AfterValidator(_distinct), AfterValidator(_some)]
Country = Annotated[str, AfterValidator(_country)]
ClientId = Annotated[str, AfterValidator(_client_id)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
BusinessUnits = Annotated[list[Id], AfterValidator(_distinct), AfterValidator(_some)]
"""Leave the key out (or null) for all; an empty list would shut everything and is a fault."""
SecretText = Annotated[str, AfterValidator(_opened)]
"""A secret, its ``${ONBOARD_NAME}`` already read. ``MASK`` and absence keep what is stored: see ``to_store``."""
ClientSecret = Annotated[SecretText, AfterValidator(_client_secret)]
"""The secret of an API client of ours; what partners give us may be shorter."""


def to_store(secret: str | None) -> str | None:
    """The secret that the file gives, or None where the stored one stays (or a new one is made)."""
    return None if secret in (None, MASK) else secret


SENT_ELSEWHERE = "must be entered again: the stored secret would otherwise be sent to another host"
"""Why a mask, or nothing, does not keep a secret whose address got another scheme, host or port."""
