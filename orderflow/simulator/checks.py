"""What the simulated OrderFlow site refuses in the properties of an import (docs/reference/orderflow.md#errors)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from orderflow.simulator.imports import ImportRefused

LENGTHS = {
    "externalReference": 120,
    "description": 120,
    "type": 120,
    "imageReference": 120,
    "barcode": 120,
    "thirdPartyReference": 100,
    "harmonisedSystemCode": 255,
    "customsDescription": 255,
}
"""Section 2, product properties."""
PRODUCT_REQUIRED = ("description", "type")
PRODUCT_DECIMALS = re.compile(r"weight|quantityOnOrder|priceNet|priceGross|tax|length|width|height")
ORDER_DECIMALS = re.compile(
    r"(?:total|shipping|goods)(?:Price(?:Net|Gross)|Tax)|orderLine\.\d+\.(?:unit|total)Price(?:Net|Gross)"
)
LINE = re.compile(r"orderLine\.(\d+)\.")
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def check_product(properties: Mapping[str, str]) -> None:
    for name in PRODUCT_REQUIRED:
        if not properties.get(name):
            raise ImportRefused(f"A value is required for property '{name}'")
    for name, value in properties.items():
        if len(value) > LENGTHS.get(name, len(value)):
            raise ImportRefused(f"The value of property '{name}' is longer than {LENGTHS[name]} characters")
        if value and PRODUCT_DECIMALS.fullmatch(name):
            check_decimal(name, value)
    if properties.get("activated", "true") not in ("true", "false"):
        raise not_converted("activated", properties["activated"])


def check_order(properties: Mapping[str, str]) -> None:
    for name, value in properties.items():
        if value and ORDER_DECIMALS.fullmatch(name):
            check_decimal(name, value)
    if properties.get("placed"):
        site_time("placed", properties["placed"])


def check_decimal(name: str, value: str) -> None:
    try:
        finite = Decimal(value).is_finite()
    except InvalidOperation:
        finite = False
    if not finite or "_" in value:
        raise not_converted(name, value)


def whole_number(name: str, value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise not_converted(name, value)
    return int(value)


def site_time(name: str, value: str) -> datetime:
    """A time of the site's zone, without one."""
    try:
        return datetime.strptime(value, TIME_FORMAT)  # noqa: DTZ007 - the wire format has no zone
    except ValueError:
        raise not_converted(name, value) from None


def not_converted(name: str, value: str) -> ImportRefused:
    return ImportRefused(f"Failed to convert property value '{value[:80]}' for property '{name}'")


def line_numbers(properties: Mapping[str, str]) -> list[int]:
    return sorted({int(match[1]) for name in properties if (match := LINE.match(name))})
