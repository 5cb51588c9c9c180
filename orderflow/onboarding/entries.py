"""The ``orderflow_channels`` key of the onboarding file (docs/reference/onboarding-file.md#orderflow-channels)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from pydantic import AfterValidator, Field, model_validator

from orderflow.catalogue.product_documents import PRODUCT_PROPERTIES, ProductScope, product_import
from orderflow.models import IMPORT_PATH, validate_reference
from orderflow.site.import_documents import NotSendable, Value, property_name, text
from orders.onboarding.fields import (
    BusinessUnits,
    Entry,
    HttpUrl,
    Pattern,
    SecretText,
    Slug,
    TimeZone,
    each_once,
    text_of,
)

_PATH = re.compile(r"/[!-~]*\Z")
_OWN = re.compile(r"externalReference\Z|orderLine\.")

FileValue = bool | int | float | str


def _site(url: str) -> str:
    if "?" in url:
        raise ValueError("must be the site's address with its context path, without a query")
    return url.rstrip("/")


def _path(path: str) -> str:
    if not _PATH.match(path) or "#" in path:
        raise ValueError("must be a path such as /remoteorder/imports/importitems.xml")
    return path


def _reference(pattern: str) -> str:
    try:
        validate_reference(pattern)
    except ValidationError as error:
        raise ValueError(f"must differ between orders. {error.message}") from None
    return pattern


def _properties(properties: dict[str, str]) -> dict[str, str]:
    for name, value in properties.items():
        if _OWN.match(name):
            raise ValueError(f"may not set {name}, which is the order's own")
        _sendable(property_name, name)
        _sendable(text, name, value)
    return properties


def _sendable(check: object, *arguments: str) -> None:
    try:
        check(*arguments)  # type: ignore[operator]
    except NotSendable as reason:
        raise ValueError(f"cannot be sent: {reason}") from None


def product_of(given: Mapping[str, FileValue]) -> dict[str, Value]:
    """A product's values as the wire wants them; a number that is no whole one has the digits it is printed with."""
    return {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in given.items()}


def _product(given: dict[str, FileValue]) -> dict[str, FileValue]:
    for name in given:
        if name not in PRODUCT_PROPERTIES:
            raise ValueError(f"has {name!r}, which is no property of a product")
        if name in ("channel", "organisation"):
            raise ValueError(f"may not set {name}: the channel's product_scope says whose the product is")
    reference = given.get("externalReference")
    if not isinstance(reference, str):
        raise ValueError("needs the text externalReference")
    try:
        product_import(reference, product_of(given), ProductScope("global"))
    except NotSendable as reason:
        raise ValueError(f"cannot be sent: {reason}") from None
    return given


def _products(products: list[dict[str, FileValue]]) -> list[dict[str, FileValue]]:
    references = [str(product["externalReference"]) for product in products]
    if len(set(references)) != len(references):
        twice = next(name for place, name in enumerate(references) if name in references[:place])
        raise ValueError(f"names the product {twice!r} twice")
    return products


Scope = Annotated[str, AfterValidator(text_of(120))]
Login = Annotated[str, AfterValidator(text_of(200))]
Path = Annotated[str, AfterValidator(text_of(500)), AfterValidator(_path)]
ProductEntry = Annotated[dict[str, FileValue], AfterValidator(_product)]


class AuthEntry(Entry):
    type: Literal["headers", "basic"]
    username: Login
    password: SecretText | None = None

    @model_validator(mode="after")
    def _no_colon(self) -> AuthEntry:
        if self.type == "basic" and ":" in self.username:
            raise ValueError("has a username with a colon, which Basic authentication cannot carry")
        return self


class ChannelEntry(Entry):
    id: Slug
    active: bool = True
    base_url: Annotated[HttpUrl, AfterValidator(_site)]
    channel: Scope
    organisation: Scope | None = None
    auth: AuthEntry
    reference: Annotated[str, AfterValidator(text_of(200)), AfterValidator(_reference)] = "{customerOrderId}"
    business_units: BusinessUnits | None = None
    item_patterns: list[Pattern] = ["*"]
    order_path: Path = IMPORT_PATH
    product_path: Path = IMPORT_PATH
    product_header: Literal["channel", "organisation"] = "channel"
    product_scope: Literal["channel", "organisation", "global"] = "channel"
    require_delivery_address: bool = False
    batch_size: Annotated[int, Field(ge=1, le=1000)] = 100
    time_zone: TimeZone = "Europe/London"
    currency_units: Annotated[str, AfterValidator(text_of(40))] = "pounds"
    import_missing_products: bool = True
    on_update: Literal["reimport", "ignore"] = "reimport"
    on_cancel: Literal["cancel", "ignore"] = "cancel"
    poll_despatches_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    properties: Annotated[dict[str, str], AfterValidator(_properties)] = {}
    validated: bool = True
    products: Annotated[list[ProductEntry], AfterValidator(_products)] | None = None

    @model_validator(mode="after")
    def _organisation_where_needed(self) -> ChannelEntry:
        if self.organisation is None and "organisation" in (self.product_header, self.product_scope):
            raise ValueError("needs the key organisation: product_header or product_scope is organisation")
        return self


ChannelEntries = Annotated[list[ChannelEntry], AfterValidator(each_once("channel"))]
