"""How the suppliers' endpoints appear in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from orders.api.parameters import an_instant, one_of
from orders.api.schema.components import EVENT_ID, MOMENT, NOW_ONLY, ListPage
from orders.documents.value_types import Id, OpenModel, member, optional
from orders.models import Delivery
from suppliers.reports.messages import ORDER_TOKEN, WIRE_TIME, SupplierReport

Status = Annotated[str, Field(json_schema_extra={"enum": Delivery.Status.values})]


class SupplierEvent(RootModel[Annotated[SupplierReport, Field(discriminator="event_type")]]):
    """What a supplier reports."""


class SupplierEventReceipt(OpenModel):
    id: UUID = member("The report's id; a repeat gets the first one's.", EVENT_ID)
    duplicate: bool = member("Whether it is a repeat.", False)


class FeedEvent(OpenModel):
    id: str = member("Its id, for `lastEventId`.", "_123")
    type: str = member("Its type.", "order_created")
    timestamp: str = member("When it was made.", WIRE_TIME)
    attributes: dict[str, Any] = member("The event as a webhook would carry it.", {"orderToken": ORDER_TOKEN})


class FeedLinks(OpenModel):
    next: str = member("The address of the next call.", "/api/events/v1/dk/external/acme/receive?lastEventId=_123")


class SupplierFeed(OpenModel):
    links: FeedLinks = member("Where the feed goes on.")
    meta: dict[str, Any] = member("Empty.", {})
    data: list[FeedEvent] = member("At most 100 events, oldest first.")


class StockLevel(OpenModel):
    item_id: str = member("The item's id.", "BEAN-1")
    supplier_id: str = member("The supplier's id.", "beans")
    available: float = member("How many the supplier has.", 120)
    expected_date: str | None = member("When it expects more, as it wrote it, or null.", "2026-12-01")
    reported_at: datetime = member("The time that the report names.", MOMENT)


class Stock(OpenModel):
    stock: list[StockLevel] = member("One entry per item and supplier, in the order asked for.")


class DeliveryAttempt(OpenModel):
    number: int = member("Which try it was.", 1)
    started_at: datetime = member("When it began.", MOMENT)
    duration_ms: int = member("How long it took, in milliseconds.", 84)
    outcome: str = member("What the hub made of it.", "delivered")
    response_status: int | None = member("The HTTP status that was answered, or null.", 204)
    response: str = member("The beginning of the receiver's answer.", "")
    detail: str = member("The outcome in words.", "")


class SupplierDelivery(OpenModel):
    id: UUID = member("The delivery's id.", EVENT_ID)
    webhook_id: str = member("The webhook-id header, the same on every try.", f"msg_{EVENT_ID}")
    event_type: str = member("The type of the event that it carries.", "order_created")
    order_token: str = member("The supplier's part that the event is of.", ORDER_TOKEN)
    sequence: int = member("The order's sequence that the event is of.", 7)
    status: Status = member("What became of the delivery.", "delivered")
    created_at: datetime = member("When it was made.", MOMENT)
    finished_at: datetime | None = member("When its status became final; null before.", MOMENT)
    next_attempt_at: datetime | None = member("When it is tried next; null where nothing is planned.", None)
    error: str | None = member("Why the last try failed, or null.", None)
    attempts: list[DeliveryAttempt] = member("Every try, oldest first.")


class SupplierDeliveries(OpenModel):
    deliveries: list[SupplierDelivery] = member("The deliveries, oldest first.")
    page: ListPage = member("Where the list goes on.")


class Redelivery(OpenModel):
    delivery_id: UUID = member("The delivery's id.", EVENT_ID)
    sequence: int = member("The order's sequence that its event is of.", 7)
    outcome: Literal["pending"] = member("Its new status.")
    superseded_by: str | None = member("Null.", None)
    detail: str = member("The outcome in words.", "It will be sent in its place.")


PLACE = {
    "country": Annotated[str, member("The tenant's country.", "dk", pattern="^[a-z]{2}$")],
    "tenant": Annotated[str, member("The tenant's id; it must be the token's.", "acme")],
}
DeliveryId = Annotated[str, member("Its id, or its webhook-id.", EVENT_ID)]
PartToken = Annotated[str, member("The orderToken of an event, compared without case.", ORDER_TOKEN)]
EventType = Annotated[Literal["order_status_updated", "delivery_updated", "stock_updated"], member("The body's.")]
LastEventId = Annotated[str, optional("The last event received; without it from the oldest kept.", "_123")]
ItemIds = Annotated[list[Id], member("May be given several times.", ["BEAN-1"], min_length=1, max_length=200)]
DELIVERY_FILTERS = {
    "since": Annotated[
        datetime, an_instant, optional("Made since then; behind the first, also a little older ones.", MOMENT)
    ],
    "status": Annotated[
        Status, one_of(*Delivery.Status.values), optional(f"Deliveries of this status alone. {NOW_ONLY}", "dead")
    ],
}
