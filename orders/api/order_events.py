"""Order events: their fate, the reconciling list, and what a client with ``order-events:operate`` may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import DEFAULT_TAKE, an_id, an_instant, one_of, read_parameters, whole
from orders.api.parsers import OptionalJSONParser
from orders.api.schema import documented
from orders.api.views import ApiView
from orders.database.commit_order import page_of, read_cursor
from orders.dead_letters import dead_events
from orders.dead_letters.operations import Busy, NotDead, Result
from orders.inbox.event_status import Listing, event_statuses, listed
from orders.models import OrderEvent
from orders.models.inbox import event_id as parsed_id
from orders.values.problems import Conflict, Fault, InvalidBody, UnknownEvent


class OrderEventsView(ApiView):
    scopes = {"GET": "customer-orders:write"}
    parameters = {
        "customerOrderId": an_id,
        "businessUnitId": an_id,
        "status": one_of(*OrderEvent.Status.values),
        "since": an_instant,
        "cursor": read_cursor,
        "take": whole(1, 200),
    }

    @documented.list_events
    def get(self, request: Request) -> Response:
        """Accepted events, oldest first. Go on from ``page.next`` at any time: it never skips an event."""
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
    scopes = {"GET": "customer-orders:write"}

    @documented.get_event
    def get(self, request: Request, event_id: str) -> Response:
        """The fate of one accepted event."""
        read_parameters(request, {})
        return Response(event_statuses([self.event(event_id)])[0])


class OrderEventVerbView(_OneEvent):
    parser_classes = (OptionalJSONParser,)
    scopes = {"POST": "order-events:operate"}
    operation: Callable[..., Result] = dead_events.retry

    def post(self, request: Request, event_id: str) -> Response:
        """Only a dead event can be previewed, retried or discarded; the reason is kept with who did it."""
        reason = _reason(request)
        event = self.event(event_id)
        operation = type(self).operation
        noted: dict[str, Any] = {} if operation is dead_events.preview else {"who": self._who(), "reason": reason}
        try:
            result = operation(event, **noted)
        except (NotDead, Busy) as refused:
            raise Conflict(f"{str(refused)[:1].upper()}{str(refused)[1:]}.") from None
        return Response(result.as_json())

    def _who(self) -> str:
        return f"client {self.caller.client.client_id}"


@extend_schema_view(post=documented.preview_event)
class PreviewView(OrderEventVerbView):
    operation = dead_events.preview


@extend_schema_view(post=documented.retry_event)
class RetryView(OrderEventVerbView):
    operation = dead_events.retry


@extend_schema_view(post=documented.discard_event)
class DiscardView(OrderEventVerbView):
    operation = dead_events.discard


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
