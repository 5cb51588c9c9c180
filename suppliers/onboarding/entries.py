"""The ``suppliers`` key of the onboarding file (docs/reference/onboarding-file.md#suppliers)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from orders.access.sealing import MASK
from orders.onboarding.fields import (
    ClientSecret,
    Entry,
    HttpUrl,
    Name,
    Pattern,
    PublicKey,
    Schedule,
    Scopes,
    SecretText,
    Slug,
    Words,
    each_once,
    text_of,
)
from orders.outgoing.signing import SecretFormatError, parse_secret
from suppliers.webhooks.events import DEFAULT_EVENTS, EVENT_TYPES, ORDER_CREATED


def _event_types(events: list[str]) -> list[str]:
    if not set(events) <= set(EVENT_TYPES) or len(set(events)) != len(events):
        raise ValueError(f"must list, each once, of {', '.join(EVENT_TYPES)}")
    if ORDER_CREATED not in events:
        raise ValueError(f"must list {ORDER_CREATED}: it names the token, and the others never come before it")
    return events


def _signing_secret(text: str) -> str:
    """The message must not quote the secret."""
    if text != MASK:
        try:
            parse_secret(text)
        except SecretFormatError:
            raise ValueError('must be "whsec_" and the base64 of 24 to 64 random bytes') from None
    return text


Login = Annotated[str, AfterValidator(text_of(255))]
SigningSecret = Annotated[SecretText, AfterValidator(_signing_secret)]


class NoAuth(Entry):
    type: Literal["none"] = "none"


class BasicAuth(Entry):
    type: Literal["basic"]
    username: Login
    password: SecretText | None = None


class OAuth2Auth(Entry):
    type: Literal["oauth2"]
    clientId: Login  # noqa: N815 - the file's own word
    clientSecret: SecretText | None = None  # noqa: N815
    authUrl: HttpUrl  # noqa: N815
    scope: Words | None = None
    resource: Words | None = None


class WebhookEntry(Entry):
    url: HttpUrl
    events: Annotated[list[str], AfterValidator(_event_types)] = list(DEFAULT_EVENTS)
    auth: Annotated[NoAuth | BasicAuth | OAuth2Auth, Field(discriminator="type")] = NoAuth()
    signing_secret: SigningSecret | None = None
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 4
    rate_limit_per_second: Annotated[float, Field(gt=0, le=100_000)] | None = None
    retry_schedule: Schedule | None = None


class SupplierClientEntry(Entry):
    client_id: Annotated[str, AfterValidator(text_of(100))]
    client_secret: ClientSecret | None = None
    public_keys: list[PublicKey] = []
    scopes: Scopes
    active: bool = True


class SupplierEntry(Entry):
    id: Slug
    name: Name
    active: bool = True
    item_patterns: list[Pattern]
    api_client: SupplierClientEntry | None = None
    webhook: WebhookEntry | None = None


SupplierEntries = Annotated[list[SupplierEntry], AfterValidator(each_once("supplier"))]
