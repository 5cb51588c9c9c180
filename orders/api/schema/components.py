"""The parts of the document: parameters, headers, problems, the bodies of orders and events, ways to authenticate."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from pydantic import Field

from orders import models
from orders.api.parameters import DEFAULT_TAKE, NO_LIMIT, an_id, an_instant, one_of, whole
from orders.database.commit_order import read_cursor
from orders.documents.value_types import Id, Model, OpenModel, member, optional
from orders.models.tenants import SUPPLIER_SCOPES, TENANT_SCOPES

Json = dict[str, Any]
ORDERS = "Customer orders"
MOMENT, ETAG, CORRELATION_ID = "2026-11-20T08:46:36Z", '"5f2b8c1e"', "till-4-0815"
NEXT, EVENT_ID = "AZjFon0-fEGfazofXC6NcAAAAAAAAAAB", "0198c5a2-7d3e-7c41-9f6b-3a1f5c2e8d70"
"""Examples."""

UnitId = Annotated[Id, member("The business unit's id.", "store-1")]
OrderId = Annotated[Id, member("The order's id in your own system.", "1001")]
EventId = Annotated[UUID, member("The event's id.", EVENT_ID)]
Sequence = Annotated[int, member("The event's place among those of its order.", 7, ge=1)]
SupersededBy = Annotated[UUID | None, member("The later event that takes its place, or null.", None)]
Skip = Annotated[int, whole(0, NO_LIMIT), member("Entries to leave out first.", 0, ge=0, le=NO_LIMIT, default=0)]
Take = Annotated[int, whole(1, 200), member("Most entries of the answer.", 50, ge=1, le=200, default=DEFAULT_TAKE)]
Cursor = Annotated[str, read_cursor, optional("An earlier answer's `page.next`.", NEXT, pattern="^[A-Za-z0-9_-]{32}$")]
Count = Annotated[int, Field(ge=0)]
LIST = {"cursor": Cursor, "take": Take}
UNIT = {"businessUnitId": UnitId}
ORDER = {**UNIT, "customerOrderId": OrderId}
ENTITY_TAGS = r'^[ \t]*(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)[ \t]*$'
"""RFC 9110, section 13.1.1: ``*``, or a list of entity tags."""
IF_NONE_MATCH = {"If-None-Match": Annotated[str, optional("The ETag of an earlier answer; 304 if it holds.", ETAG)]}

CONDITIONS = {
    "If-Match": Annotated[
        str,
        optional("The order's ETag as it was read; 412 if it has another now.", ETAG, pattern=ENTITY_TAGS),
    ],
    "If-None-Match": Annotated[Literal["*"], optional("Accept it only as the order's first event, else 412.", "*")],
}

PARAMETERS = {
    "Correlation-Id": Annotated[str, optional("1 to 128 of A-Z a-z 0-9 . _ : -, else one is made.", CORRELATION_ID)],
    "Tenant-Id": Annotated[str, optional("The tenant is the token's; a header that disagrees is refused.", "acme")],
}
HEADERS = {
    "Correlation-Id": Annotated[str, member("The request's, or the one made for it.", CORRELATION_ID)],
    "Location": Annotated[str, member("Where the event's status can be read.", f"/api/v1/order-events/{EVENT_ID}")],
    "ETag": Annotated[str, optional("Of orders that the hub stores; for If-None-Match and If-Match.", ETAG)],
    "Orderhub-Sequence": Annotated[int, optional("The last applied sequence, of orders that the hub stores.", 7, ge=1)],
    "WWW-Authenticate": Annotated[str, member("How to authenticate.", 'Bearer realm="orderhub"')],
    "Allow": Annotated[str, member("The methods that answer in the tenant's mode; empty: none.", "GET, HEAD")],
    "Retry-After": Annotated[int, optional("Seconds to wait.", 2, ge=0)],
}


class Fault(Model):
    """One thing that is wrong with what was sent or, of `external-contract`, with what was answered."""

    pointer: str = member("Where, as a JSON pointer (RFC 6901) into the body, or / and a parameter's name.", "/status")
    detail: str = member("What is wrong there.", "A required member is missing: expected a string, found nothing.")


class Warned(Model):
    """Something in an accepted order that its sender may not have meant."""

    pointer: str = member("Where, as a JSON pointer (RFC 6901) into the body.", "/customerOrder/promiseDate")
    detail: str = member("What became of it.", "Unknown member, found a string: left out of the order.")


class Problem(OpenModel):
    """RFC 9457. The names, their causes and next steps: docs/reference/errors.md."""

    type: str = member("The problem's name.", "urn:orderhub:problem:internal", pattern="^urn:orderhub:problem:[a-z-]+$")
    title: str = member("The problem in a few words, the same each time.", "The hub failed to answer")
    status: int = member("The HTTP status of the answer.", 500)
    detail: str = member("What happened this time, and what to do.", "Tell the hub's operators the correlation id.")
    correlation_id: str = member("The Correlation-Id header, by which the hub's logs name the request.", CORRELATION_ID)
    errors: list[Fault] = optional("Each thing that is wrong, where there can be several.")


class ListPage(Model):
    take: int = member("Most entries of this answer.", 50, ge=1, le=200)
    next: str = member("The `cursor` to go on from at any time. It skips no entry; with `status` see there.", NEXT)
    has_more: bool = member("Whether there are more entries by now.", False)


NOW_ONLY = "An entry that gets it later may stand before a cursor: ask again without one."
"""Of a filter by status: entries are listed in the order in which they were made."""
Status = Annotated[str, Field(json_schema_extra={"enum": models.OrderEvent.Status.values})]
EVENT_FILTERS = {
    "customerOrderId": Annotated[Id, an_id, optional("Events of this order alone.", "1001")],
    "businessUnitId": Annotated[Id, an_id, optional("Events of this business unit alone.", "store-1")],
    "status": Annotated[
        Status, one_of(*models.OrderEvent.Status.values), optional(f"Events of this status alone. {NOW_ONLY}", "dead")
    ],
    "since": Annotated[datetime, an_instant, optional("Events accepted since then.", MOMENT)],
}
PAGE = {"skip": Skip, "take": Take}
Outcome = Literal["would_apply", "would_supersede", "would_fail", "pending", "superseded", "discarded"]


class AcceptedEvent(Model):
    event_id: EventId
    sequence: Sequence
    status: Literal["pending"] = member("It waits to be applied.")
    warnings: list[Warned] = member("What the hub left out of the order or cannot act on; empty: nothing.")


class FoundOrder(Model):
    customer_order_id: str = member("The order's id.", "1001")
    customer_id: str = member("The id of its customer.", "111")
    status: str = member("Its status.", "CREATED")


class SearchPage(Model):
    skip: int = member("How many orders stand before this page.", 0, ge=0, le=NO_LIMIT)
    take: int = member("Most orders of this page.", 50, ge=1, le=200)
    has_more: bool = member("Whether there are orders behind this page.", False)


class CustomerOrderPage(Model):
    customer_orders: list[FoundOrder] = member("The orders, newest reception first.")
    page: SearchPage = member("Which part of all this is.")


class OrderEvent(Model):
    event_id: EventId
    sequence: Sequence
    customer_order_id: str = member("The order's id.", "1001")
    business_unit_id: str = member("The business unit's id.", "store-1")
    status: Status = member("What became of the event.", "applied")
    changed: bool | None = member("Whether it changed the stored order; null while that is not known.", True)
    attempts: int = member("How often it was tried to apply it.", 1, ge=0)
    received_at: datetime = member("When it was accepted.", MOMENT)
    next_attempt_at: datetime | None = member("When it is tried next; null where nothing is planned.", None)
    finished_at: datetime | None = member("When its status became final; null before.", MOMENT)
    error: str | None = member("Why the last try failed, or null.", None)
    warnings: list[Warned] = member("As in the answer of its PUT.", [])
    waiting_behind: UUID | None = member("The earlier event of the order that must be finished first, or null.", None)
    superseded_by: SupersededBy
    correlation_id: str = member("The Correlation-Id of the request that brought it.", CORRELATION_ID)


class OrderEventList(Model):
    order_events: list[OrderEvent] = member("The events, oldest first.")
    page: ListPage = member("Where the list goes on.")


class OrderEventOutcome(Model):
    event_id: EventId
    sequence: Sequence
    outcome: Outcome = member("Its new status or, of a preview, what a retry would do.", "pending")
    superseded_by: SupersededBy
    detail: str = member("The outcome in words.", "It is tried again now.")


class OperatorReason(Model):
    reason: str = optional(
        "Why; kept with who did it.", "It is known by now.", max_length=2_000, pattern=r"^[^\u0000]*$"
    )


def security_schemes() -> Json:
    clients: Json = {
        "type": "oauth2",
        "description": "Client credentials. A token belongs to one API client of one tenant or supplier.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": f"{settings.HUB_PUBLIC_URL}/oauth2/token",
                "scopes": TENANT_SCOPES | SUPPLIER_SCOPES,
            }
        },
    }
    return {
        "clients": clients,
        "metrics": {"type": "http", "scheme": "bearer", "description": "HUB_METRICS_TOKEN; not needed from loopback."},
    }
