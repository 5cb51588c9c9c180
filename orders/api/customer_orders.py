"""The customer-order endpoints: read one, search, send one."""

from __future__ import annotations

import re
import time
from typing import Any

from rest_framework.response import Response

from orders.api.parameters import DEFAULT_TAKE, parsers, read_parameters
from orders.api.parsers import ApiRequest, RawJSONParser
from orders.api.schema import READ_THROUGH, Answer, Body, Operation, components
from orders.api.views import ApiView
from orders.documents import parse_search, read_put
from orders.documents.schema import CustomerOrderEnvelope, CustomerOrderSearch
from orders.http.correlation import correlation_id
from orders.inbox.conditions import ANY, Conditions
from orders.inbox.reception import accept
from orders.inbox.sending import note_unknown, sending_rules, written
from orders.inbox.sources import source_for
from orders.integrations.sources import Search
from orders.queueing.wake_ups import wake_inbound
from orders.telemetry import tracing
from orders.values.order_key import OrderKey
from orders.values.problems import (
    Fault,
    InvalidBody,
    InvalidParameter,
    PreconditionFailed,
    ProxyMode,
    UnknownOrder,
)

_SAME_UNIT = {"businessUnitId": "$request.path.businessUnitId"}
_SAME_ORDER = {name: f"$request.path.{name}" for name in components.ORDER}
_FIRST_FOUND = {**_SAME_UNIT, "customerOrderId": "$response.body#/customerOrders/0/customerOrderId"}
_READS = ("getCustomerOrder", "getFulfilment")


class CustomerOrderView(ApiView):
    parser_classes = (RawJSONParser,)

    @Operation(
        id="getCustomerOrder",
        summary="Read one order",
        tag=components.ORDERS,
        scope="customer-orders:read",
        path=components.ORDER,
        headers=components.IF_NONE_MATCH,
        answers={
            200: Answer("The order", CustomerOrderEnvelope, headers=("ETag", "Orderhub-Sequence")),
            304: Answer("The caller has it already", headers=("ETag", "Orderhub-Sequence")),
        },
        problems=(UnknownOrder, *READ_THROUGH),
    )
    def get(self, request: ApiRequest, business_unit_id: str, customer_order_id: str) -> Response:
        """One order, from the hub's store or through the tenant's own system."""
        read_parameters(request, {})
        found = source_for(self.caller.tenant).get(self.caller.tenant, business_unit_id, customer_order_id)
        headers: dict[str, str] = {}
        if found.sequence is not None:
            headers["Orderhub-Sequence"] = str(found.sequence)
        if found.etag is not None:
            headers["ETag"] = found.etag
            if _matches(request.headers.get("If-None-Match", ""), found.etag):
                return Response(status=304, headers=headers)
        return Response(found.body, headers=headers)

    @Operation(
        id="putCustomerOrder",
        summary="Send one order",
        tag=components.ORDERS,
        scope="customer-orders:write",
        path=components.ORDER,
        headers=components.CONDITIONS,
        body=Body(CustomerOrderEnvelope),
        answers={
            202: Answer(
                "Stored durably for processing",
                components.AcceptedEvent,
                headers=("Location",),
                links={"getOrderEvent": {"eventId": "$response.body#/eventId"}, **dict.fromkeys(_READS, _SAME_ORDER)},
            )
        },
        problems=(ProxyMode, PreconditionFailed),
    )
    def put(self, request: ApiRequest, business_unit_id: str, customer_order_id: str) -> Response:
        """Accept one order event, stored durably; it is applied in the sequence of reception.

        With If-Match it is accepted only when that is the stored order and no accepted event of the order is still to
        be applied. A PUT is idempotent by itself; an Idempotency-Key has no effect on it.
        """
        began = time.time()
        body = request.data
        read_parameters(request, {})
        arrived = read_put(body, sending_rules(self.caller.tenant))
        if arrived.document["customerOrder"]["customerOrderId"] != customer_order_id:
            fault = Fault("/customerOrder/customerOrderId", "is not the id in the path")
            raise InvalidBody(errors=[fault])
        conditions = _conditions(request)
        key = OrderKey(self.caller.tenant.pk, business_unit_id, customer_order_id)
        client = self.caller.client.pk
        accepted = accept(
            key,
            payload=body,
            client_id=client,
            correlation_id=correlation_id(),
            warnings=written(arrived),
            conditions=conditions,
        )
        note_unknown(key.tenant_id, arrived)
        wake_inbound()
        tracing.received(accepted.event_id, began=began, correlation_id=correlation_id())
        answer = {
            "eventId": str(accepted.event_id),
            "sequence": accepted.sequence,
            "status": "pending",
            "warnings": [warning.as_json() for warning in arrived.warnings],
        }
        location = f"/api/v1/order-events/{accepted.event_id}"
        return Response(answer, status=202, headers={"Location": location})


class CustomerOrderSearchView(ApiView):
    parser_classes = (RawJSONParser,)
    parameters = parsers(components.PAGE)

    @Operation(
        id="searchCustomerOrders",
        summary="Search orders",
        tag=components.ORDERS,
        scope="customer-orders:read",
        path=components.UNIT,
        query=components.PAGE,
        body=Body(CustomerOrderSearch),
        answers={
            200: Answer(
                "One page, newest reception first",
                components.CustomerOrderPage,
                links=dict.fromkeys(_READS, _FIRST_FOUND),
            )
        },
        problems=READ_THROUGH,
    )
    def post(self, request: ApiRequest, business_unit_id: str) -> Response:
        """Search the orders of one business unit; ``{}`` is all of them."""
        body = request.data
        page = {"skip": 0, "take": DEFAULT_TAKE} | read_parameters(request, self.parameters)
        wanted = Search(criteria=parse_search(body), raw=body, **page)
        found = source_for(self.caller.tenant).search(self.caller.tenant, business_unit_id, wanted)
        answer: dict[str, Any] = {"customerOrders": found.orders, "page": page | {"hasMore": found.has_more}}
        return Response(answer)


def _matches(given: str, etag: str) -> bool:
    """RFC 9110, If-None-Match: weak comparison over the list."""
    return given.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in given.split(","))


_TAG = re.compile(r'(?:W/)?"[!#-~]*"')


def _conditions(request: ApiRequest) -> Conditions:
    """RFC 9110, sections 13.1.1 and 13.1.2: what is asked for is honoured, or refused with 400."""
    match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if match is not None and not re.fullmatch(components.ENTITY_TAGS, match):
        raise InvalidParameter(errors=[Fault("/If-Match", "must be the ETag of an earlier answer, or *")])
    if none_match is not None and none_match.strip() != ANY:
        raise InvalidParameter(errors=[Fault("/If-None-Match", "can only be * for a PUT")])
    tags = [ANY] if match is not None and match.strip() == ANY else _TAG.findall(match or "")
    return Conditions(matches=frozenset(tags), is_first=none_match is not None)
