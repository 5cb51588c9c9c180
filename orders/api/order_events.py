"""Order events: their status, the reconciling list, and what a client with ``order-events:operate`` may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import DEFAULT_TAKE, parsers, read_parameters
from orders.api.parsers import OptionalJSONParser
from orders.api.schema import Answer, Body, Operation, components
from orders.api.views import ApiView
from orders.database.commit_order import page_of
from orders.dead_letters import dead_events
from orders.dead_letters.operations import Busy, NotDead, Result
from orders.inbox.event_status import Listing, event_statuses, listed
from orders.models import OrderEvent
from orders.models.inbox import event_id as parsed_id
from orders.values.problems import Conflict, Fault, InvalidBody, ProxyMode, UnknownEvent

EVENTS = "Order events"
_FIRST_EVENT = {"eventId": "$response.body#/orderEvents/0/eventId"}
_ONE_EVENT = ("getOrderEvent", "previewOrderEvent", "retryOrderEvent", "discardOrderEvent")


class OrderEventsView(ApiView):
    parameters = parsers({**components.EVENT_FILTERS, **components.LIST})

    @Operation(
        id="listOrderEvents",
        summary="List accepted events",
        tag=EVENTS,
        scope="customer-orders:write",
        query={**components.EVENT_FILTERS, **components.LIST},
        answers={
            200: Answer(
                "One page, oldest first",
                components.OrderEventList,
                links={
                    **dict.fromkeys(_ONE_EVENT, _FIRST_EVENT),
                    "listOrderEvents": {"cursor": "$response.body#/page/next"},
                },
            )
        },
    )
    def get(self, request: Request) -> Response:
        """Accepted events, oldest first. Go on from ``page.next`` at any time: it skips no event.

        What gets the filtered ``status`` later may stand before a cursor.
        """
        given = read_parameters(request, self.parameters)
        take = given.get("take", DEFAULT_TAKE)
        wanted = Listing(
            customer_order_id=given.get("customerOrderId"),
            business_unit_id=given.get("businessUnitId"),
            status=given.get("status"),
            since=given.get("since"),
        )
        events = listed(self.caller.tenant.pk, wanted, business_units=self.caller.business_units)
        rows, page = page_of(events, given.get("cursor"), take)
        return Response({"orderEvents": event_statuses(rows), "page": page})


class _OneEvent(ApiView):
    def event(self, event_id: str) -> OrderEvent:
        """The tenant's event; another's is as unknown as none."""
        known = parsed_id(event_id)
        events = OrderEvent.objects.select_related("queue").filter(tenant=self.caller.tenant)
        event = events.filter(pk=known).first() if known else None
        if event is None or not self.caller.may_use(event.queue.business_unit_id):
            raise UnknownEvent("No event with this id was accepted for this tenant.")
        return event


class OrderEventView(_OneEvent):
    @Operation(
        id="getOrderEvent",
        summary="Read the fate of one event",
        tag=EVENTS,
        scope="customer-orders:write",
        path={"eventId": components.EventId},
        answers={200: Answer("Its fate", components.OrderEvent)},
        problems=(UnknownEvent,),
    )
    def get(self, request: Request, event_id: str) -> Response:
        """The status of one accepted event."""
        read_parameters(request, {})
        return Response(event_statuses([self.event(event_id)])[0])


def _operate(name: str, summary: str) -> Operation:
    return Operation(
        id=f"{name}OrderEvent",
        summary=summary,
        tag=EVENTS,
        scope="order-events:operate",
        path={"eventId": components.EventId},
        body=Body(components.OperatorReason, required=False),
        answers={200: Answer("What became of it, or would", components.OrderEventOutcome)},
        problems=(UnknownEvent, Conflict, ProxyMode),
    )


class _DeadEvent(_OneEvent):
    parser_classes = (OptionalJSONParser,)

    def answer(self, operation: Callable[..., Result], request: Request, event_id: str) -> Response:
        """What ``operation`` makes of the event. Raises Conflict unless the event is dead."""
        reason = _reason(request)
        event = self.event(event_id)
        who = f"client {self.caller.client.client_id}"
        noted: dict[str, Any] = {} if operation is dead_events.preview else {"who": who, "reason": reason}
        try:
            result = operation(event, **noted)
        except (NotDead, Busy) as refused:
            raise Conflict(f"{str(refused)[:1].upper()}{str(refused)[1:]}.") from None
        return Response(result.as_json())


class PreviewView(_DeadEvent):
    @_operate("preview", "Say what a retry of a dead event would do")
    def post(self, request: Request, event_id: str) -> Response:
        """Changes nothing."""
        return self.answer(dead_events.preview, request, event_id)


class RetryView(_DeadEvent):
    @_operate("retry", "Retry a dead event")
    def post(self, request: Request, event_id: str) -> Response:
        """Only a dead event can be retried; the reason is kept with who did it."""
        return self.answer(dead_events.retry, request, event_id)


class DiscardView(_DeadEvent):
    @_operate("discard", "Set a dead event aside for good")
    def post(self, request: Request, event_id: str) -> Response:
        """Only a dead event can be set aside; the reason is kept with who did it."""
        return self.answer(dead_events.discard, request, event_id)


def _reason(request: Request) -> str:
    """The body ``{"reason": text}``; no body at all is no reason."""
    body = request.data
    read_parameters(request, {})
    if not isinstance(body, dict):
        raise InvalidBody(errors=[Fault("", 'must be an object such as {"reason": "…"}')])
    faults = [Fault(f"/{name}", "is not known here; known is reason") for name in body if name != "reason"]
    reason = body.get("reason", "")
    if not isinstance(reason, str) or len(reason) > 2_000 or "\x00" in reason:
        faults.append(Fault("/reason", "must be a text of at most 2,000 characters"))
    if faults:
        raise InvalidBody(errors=faults)
    return str(reason)
