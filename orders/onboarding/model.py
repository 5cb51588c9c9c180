"""The file as one pydantic model: the core's keys of a tenant, and one key per section of the apps."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, create_model, field_validator

from orders.documents.status_words import nearly
from orders.integrations import sections
from orders.models import Tenant
from orders.onboarding.fields import (
    BusinessUnits,
    ClientId,
    ClientSecret,
    Country,
    Entry,
    HttpUrl,
    Name,
    PublicKey,
    Schedule,
    Scopes,
    Slug,
    TimeZone,
    text_of,
)

STATUS_WORDS_MOST = 1_000
MINUTES_MOST = 30 * 24 * 60
"""30 days: an order not fetched by then will not be fetched."""

Code = Annotated[str, AfterValidator(text_of(128))]
"""A status or case type, as in an order document (docs/reference/customer-order.md#values)."""


def _no_slip(words: dict[str, str]) -> dict[str, str]:
    """A slip on the right side would lose every cancellation."""
    for theirs, word in words.items():
        if (meant := nearly(word)) is not None:
            raise ValueError(f"makes {theirs!r} to {word!r}, which is not a word of the hub; write {meant}")
    return words


StatusMap = Annotated[dict[Code, Code], AfterValidator(_no_slip)]


class ApiClientEntry(Entry):
    """A program of the tenant's."""

    client_id: ClientId
    client_secret: ClientSecret | None = None
    scopes: Scopes
    business_units: BusinessUnits | None = None
    public_keys: list[PublicKey] = []
    active: bool = True


class TenantEntry(Entry):
    """The core's keys; defaults as in docs/reference/onboarding-file.md#tenant."""

    id: Slug
    name: Name
    active: bool = True
    mode: Literal["proxy", "migrating", "events"]
    country: Country | None = None
    time_zone: TimeZone = "UTC"
    external_url: HttpUrl | None = Field(default=None, validate_default=True)
    proxy_timeout_seconds: Annotated[float, Field(ge=0.05, le=30)] | None = None
    status_map: Annotated[StatusMap, Field(max_length=STATUS_WORDS_MOST)] = {}
    unknown_members: Literal["warn", "refuse"] = "warn"
    case_type: Code = "contentClaim"
    event_retry_schedule: Schedule | None = None
    not_fetched_after_minutes: Annotated[int, Field(ge=1, le=MINUTES_MOST)] = 30
    api_clients: list[ApiClientEntry] = []

    @field_validator("external_url", mode="after")
    @classmethod
    def _where_orders_are_read(cls, value: str | None, info: ValidationInfo) -> str | None:
        mode = info.data.get("mode", Tenant.Mode.EVENTS)
        if value is None and mode != Tenant.Mode.EVENTS:
            raise ValueError(f"is required in {mode} mode: the address of the tenant's own order service")
        return value


@cache
def file_model() -> type[Entry]:
    """``tenants`` as a list of tenants with every section's key."""
    keys: dict[str, Any] = {}
    for key, section in sections().items():
        kept = section.default is None
        keys[key] = (section.annotation | None if kept else section.annotation, section.default)
    tenant = create_model("OnboardedTenant", __base__=TenantEntry, **keys)
    model: type[Entry] = create_model("OnboardingFile", __base__=Entry, tenants=(list[tenant], ...))
    return model
