"""What suppliers publish to the hub, checked (docs/reference/supplier-events.md#reports).

The same flat envelope as outwards. Unknown members are ignored and noted, within major version 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel

from orders.documents.pointers import pointer
from orders.documents.rules import ID_LENGTH, check_id
from orders.documents.value_types import member, optional
from orders.values.instants import in_every_zone
from orders.values.problems import Fault, InvalidBody

_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{0,9}))?(?:Z|([+-])(\d\d):?([0-5]\d))",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_VERSION_1 = re.compile(r"1(\.[0-9]{1,9}){0,2}")


def parse_timestamp(text: str) -> datetime:
    """A moment in UTC from ``Z``, ``±hh:mm`` or ``±hhmm`` and 0 to 9 decimals (cut to microseconds). ValueError."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise ValueError('not a time with zone, such as "2026-11-20T08:46:36+0000"')
    clock, fraction, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        moment = datetime.fromisoformat(clock).replace(tzinfo=timezone(offset))
        moment += timedelta(microseconds=int((fraction or "").ljust(6, "0")[:6]))
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("this moment does not exist") from None
    if not in_every_zone(moment):
        raise ValueError("this moment is at the end of the calendar; send the time at which it happened")
    return moment


def _timestamp(text: str) -> str:
    parse_timestamp(text)
    return text


def _version(text: str) -> str:
    if _VERSION_1.fullmatch(text) is None:
        raise ValueError('unknown version; this hub understands major version 1, such as "1.0.0"')
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("only http:// and https:// addresses are taken")
    return text


def _day(text: str) -> str:
    """A day, or a moment; kept as written."""
    try:
        date.fromisoformat(text) if _DAY.fullmatch(text) else parse_timestamp(text)
    except ValueError:
        raise ValueError('not a day, such as "2026-11-20"') from None
    return text


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is expected")
    return Decimal(value)


def _named(item: Any) -> Any:
    return {"itemId": item} if isinstance(item, str) else item


def _printable(text: str) -> str:
    if any((ord(character) < 32 and character not in "\n\r\t") or ord(character) == 127 for character in text):
        raise ValueError("control characters are not taken")
    return text


def _item_id(text: str) -> str:
    """The hub's rules for ids: a report of an item that no order can name would be lost in silence."""
    broken = check_id(text)
    if broken is not None:
        raise ValueError(broken)
    return text


WIRE_TIME, ORDER_TOKEN = "2026-11-20T08:46:36+0000", "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
"""Examples."""
Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(_printable)]
ItemId = Annotated[str, AfterValidator(_item_id), Field(json_schema_extra={"minLength": 1, "maxLength": ID_LENGTH})]
Token = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]
WebAddress = Annotated[Text, Field(json_schema_extra={"format": "uri"}), AfterValidator(_web_address)]
TrackingNumber = Annotated[str, Field(max_length=128), AfterValidator(_printable)]
Day = Annotated[str, Field(max_length=64), AfterValidator(_day)]
Version = Annotated[str, AfterValidator(_version), Field(json_schema_extra={"pattern": f"^{_VERSION_1.pattern}$"})]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, alias_generator=to_camel)


class Envelope(_Shape):
    """The members that every event carries. ``timestamp`` keeps the supplier's own text."""

    event_type: str
    payload_version: Version = member("The version of the event's form.", "1.0.0")
    timestamp: Annotated[str, AfterValidator(_timestamp)] = member("When it happened.", WIRE_TIME)

    @property
    def happened_at(self) -> datetime:
        return parse_timestamp(self.timestamp)


Quantity = Annotated[Decimal, PlainValidator(_number, json_schema_input_type=float)]


class LineStatus(_Shape):
    item_id: ItemId = member("The item's id.", "BEAN-1")
    quantity: Quantity | None = optional("How many of the line; without it the whole line.", 2)
    status: Literal["accepted", "rejected", "backordered"] = member("What becomes of them.", "rejected")
    reason: Text | None = optional("Why.", "Out of stock.")
    expected_date: Day | None = optional("When they are expected: a day or a time with zone.", "2026-12-01")


class OrderStatusUpdated(Envelope):
    event_type: Literal["order_status_updated"] = member("As the Event-Type header.")
    order_token: Token = member("The orderToken of the event that told of the order.", ORDER_TOKEN)
    status: Word = member("The status in the supplier's own words.", "in progress")
    comment: Text | None = optional("A remark for the tenant.", "Green beans come on Monday.")
    items: Annotated[list[LineStatus], Field(max_length=2000)] | None = optional(
        "What becomes of single lines; an item may stand there several times."
    )


class DeliveredItem(_Shape):
    """Written as an object or as the bare item id."""

    item_id: ItemId = member("The item's id.", "BEAN-1")
    quantity: Quantity | None = optional("How many are in it; without it the whole line.", 2)


Delivered = Annotated[DeliveredItem, BeforeValidator(_named, json_schema_input_type=DeliveredItem | ItemId)]


class DeliveryUpdated(Envelope):
    event_type: Literal["delivery_updated"] = member("As the Event-Type header.")
    order_token: Token = member("The orderToken of the event that told of the order.", ORDER_TOKEN)
    status: Word = member("The parcel's status in the supplier's own words.", "shipped")
    delivery_id: TrackingNumber | None = optional(
        "The supplier's own id of the parcel; without it the tracking number tells parcels apart.", "PARCEL-1"
    )
    carrier: Text | None = optional("Who carries it.", "GLS")
    tracking_number: TrackingNumber | None = optional("The carrier's number of it.", "GLS-1001")
    tracking_url: WebAddress | None = optional("Where it can be followed.", "https://gls.example/GLS-1001")
    expected_date: Day | None = optional("When it is expected: a day or a time with zone.", "2026-11-23")
    items: Annotated[list[Delivered], Field(max_length=2000)] | None = optional("What is in it; without it all lines.")


class StockItem(_Shape):
    item_id: ItemId = member("The item's id.", "BEAN-1")
    available: Quantity = member("How many.", 120)
    expected_date: Day | None = optional("When there will be more: a day or a time with zone.", "2026-12-01")


class StockUpdated(Envelope):
    event_type: Literal["stock_updated"] = member("As the Event-Type header.")
    items: list[StockItem] = member("The items, each with its stock.", max_length=2000)


SupplierReport = OrderStatusUpdated | DeliveryUpdated | StockUpdated
REPORTS: Mapping[str, type[OrderStatusUpdated] | type[DeliveryUpdated] | type[StockUpdated]] = {
    "order_status_updated": OrderStatusUpdated,
    "delivery_updated": DeliveryUpdated,
    "stock_updated": StockUpdated,
}


@dataclass(frozen=True, slots=True)
class Received:
    """One checked event and the names of the members that this version does not know."""

    report: SupplierReport
    ignored: Sequence[str]


def parse_report(body: Any, *, header_type: str) -> Received:
    """Check one published event; ``header_type`` is the ``Event-Type`` header. Raises InvalidBody with pointers."""
    if not isinstance(body, dict):
        raise _refusal("", "a JSON object is expected")
    event_type = body.get("eventType")
    if not isinstance(event_type, str) or event_type not in REPORTS:
        raise _refusal("/eventType", f"unknown event type; known are {', '.join(REPORTS)}")
    if header_type != event_type:
        raise _refusal("/eventType", f'the Event-Type header says "{header_type[:64]}", the body "{event_type}"')
    model = REPORTS[event_type]
    try:
        report = model.model_validate(body)
    except ValidationError as error:
        raise InvalidBody("The event is not valid.", errors=_faults(error)) from None
    known = {field.alias for field in model.model_fields.values()} | {"correlationId", "case"}
    return Received(report, [*sorted(set(body) - known), *_ignored_in_items(body, report)])


def _ignored_in_items(body: Mapping[str, Any], report: SupplierReport) -> list[str]:
    """Names that this version does not know inside ``items``, as ``items[].colour``."""
    if not report.items:
        return []
    known = {field.alias for field in type(report.items[0]).model_fields.values()}
    names = {name for item in body["items"] if isinstance(item, dict) for name in item}
    return [f"items[].{name}" for name in sorted(names - known)]


def _refusal(at: str, detail: str) -> InvalidBody:
    return InvalidBody(detail[0].upper() + detail[1:] + ".", errors=[Fault(at, detail)])


def _faults(error: ValidationError) -> list[Fault]:
    return [Fault(pointer(found["loc"]), _plain_words(found["msg"])) for found in error.errors(include_url=False)]


def _plain_words(message: str) -> str:
    return message.removeprefix("Value error, ")
