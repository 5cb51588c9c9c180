"""The addresses that suppliers call: Order Data and their own events (docs/reference/supplier-events.md)."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.functional import cached_property
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import DEFAULT_TAKE, an_id, parsers, read_list, read_parameters, text
from orders.api.parsers import ApiRequest
from orders.api.permissions import METHOD_AND_ACCESS, AnswersInMode
from orders.api.schema import Answer, Body, Operation
from orders.api.schema.components import IF_NONE_MATCH, LIST
from orders.api.views import ApiView
from orders.database.commit_order import page_of
from orders.documents import render
from orders.http.correlation import correlation_id
from orders.models import Tenant
from orders.values.problems import Conflict, InvalidParameter, NotFound, ProxyMode, Throttled, UnknownOrder
from suppliers import fulfilment, schema
from suppliers.models import Supplier
from suppliers.order_data.answer import answer_for
from suppliers.order_data.fetches import fetch_part
from suppliers.order_data.parts import OrderData
from suppliers.reports.recording import receive_report
from suppliers.throttles import ListsPerSupplier, RedeliveriesPerSupplier
from suppliers.webhooks import own_deliveries
from suppliers.webhooks.pull_feed import EventsGone, event_json, mark_notified, page_after

SUPPLIERS = "Suppliers"
_SAME_PLACE = {name: f"$request.path.{name}" for name in ("country", "tenant")}
MOST_ITEMS = 200
"""Items of one stock request: as many as a page of anything else (docs/reference/api.md#events)."""


class OrderDataView(ApiView):
    @Operation(
        id="getOrderData",
        summary="Read the supplier's part of an order",
        tag=SUPPLIERS,
        scope="supplier-orders:read",
        query={"ExternalId": schema.PartToken},
        headers=IF_NONE_MATCH,
        answers={
            200: Answer("As it is now", OrderData, headers=("ETag",)),
            304: Answer("The caller has it already", headers=("ETag",)),
        },
        problems=(UnknownOrder,),
    )
    def get(self, request: Request) -> HttpResponse:
        """The supplier's own lines alone, by the order's token. The fetch is put on record."""
        token = read_parameters(request, {"ExternalId": text}).get("ExternalId", "")
        if not token:
            raise InvalidParameter("Name the order with ?ExternalId=<orderToken>; the names' letter case counts.")
        part = fetch_part(self.caller.client, token, correlation_id=correlation_id())
        body = render(answer_for(part, case_type=self.caller.tenant.case_type))
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        return conditional(request._request, etag, Response(body, headers={"ETag": etag}))


def conditional(request: HttpRequest, etag: str, response: Response) -> HttpResponse:
    """The answer, or 304 where the caller has it already."""
    answered = get_conditional_response(request, etag=etag, response=response)
    return answered if isinstance(answered, HttpResponse) else response


class StockView(ApiView):
    @Operation(
        id="getStock",
        summary="Read what suppliers last said of their stock",
        tag=SUPPLIERS,
        scope="customer-orders:read",
        query={"itemId": schema.ItemIds},
        answers={200: Answer("One entry per item and supplier, in the order asked for", schema.Stock)},
        problems=(ProxyMode,),
    )
    def get(self, request: Request) -> Response:
        """What the tenant's suppliers reported of these items; an item that nobody reported is left out."""
        item_ids = read_list(request, "itemId", an_id, most=MOST_ITEMS)
        return Response({"stock": fulfilment.stock(self.caller.tenant, item_ids)})


class NamesOwnCountryAndTenant(BasePermission):
    """404 where the address is another tenant's."""

    def has_permission(self, request: Request, view: Any) -> bool:
        own: Tenant = view.caller.tenant
        if (view.kwargs["country"], view.kwargs["tenant"]) != (own.country, own.slug):
            raise NotFound("There is nothing at this address for this client; check country and tenant in it.")
        return True


class SupplierEventsView(ApiView):
    """``/api/events/v1/{country}/external/{tenant}/…``: the caller's own tenant and its country, else 404."""

    permission_classes = (AnswersInMode, NamesOwnCountryAndTenant, *METHOD_AND_ACCESS)

    @cached_property
    def supplier(self) -> Supplier:
        """The caller, checked after its scope: a tenant's own client gets the error about its missing scope."""
        supplier = Supplier.objects.filter(api_client=self.caller.client).select_related("api_client").first()
        if supplier is None:
            raise NotFound("There is nothing at this address for this client: it is no supplier's.")
        return supplier


class ReceiveView(SupplierEventsView):
    @Operation(
        id="receiveSupplierEvents",
        summary="Ask for the supplier's events after the last one it has",
        tag=SUPPLIERS,
        scope="events",
        path=schema.PLACE,
        query={"lastEventId": schema.LastEventId},
        answers={
            200: Answer(
                "At most 100, oldest first",
                schema.SupplierFeed,
                links={
                    "receiveSupplierEvents": {**_SAME_PLACE, "lastEventId": "$response.body#/data/0/id"},
                    "getOrderData": {"ExternalId": "$response.body#/data/0/attributes/orderToken"},
                },
            )
        },
        problems=(NotFound, EventsGone),
    )
    def get(self, request: ApiRequest, country: str, tenant: str) -> Response:
        """A long poll: where there is none, the call is held for up to 25 s. Go on from ``links.next``."""
        cursor = read_parameters(request, {"lastEventId": text}).get("lastEventId", "")
        page = page_after(self.supplier, cursor, hold_seconds=settings.HUB_RECEIVE_HOLD_SECONDS)
        self.check_again(request)
        mark_notified(page)
        following = f"{settings.HUB_PUBLIC_URL}{request.path_info}?{urlencode({'lastEventId': page.cursor})}"
        data = [event_json(notice) for notice in page.notices]
        return Response({"links": {"next": following}, "meta": {}, "data": data})


class SendView(SupplierEventsView):
    @Operation(
        id="sendSupplierEvent",
        summary="Report order status, delivery or stock",
        tag=SUPPLIERS,
        scope="events",
        path=schema.PLACE,
        headers={"Event-Type": schema.EventType},
        body=Body(schema.SupplierEvent),
        answers={201: Answer("Kept; a repeat has the first one's id", schema.SupplierEventReceipt)},
        problems=(NotFound, UnknownOrder),
    )
    def post(self, request: Request, country: str, tenant: str) -> Response:
        """The newest report wins by its timestamp. The same report again is not kept again."""
        body = request.data
        header_type = request.headers.get("Event-Type", "")
        if not header_type:
            raise InvalidParameter("Send the header Event-Type with the body's eventType.")
        receipt = receive_report(self.supplier, body, header_type=header_type, correlation_id=correlation_id())
        return Response({"id": str(receipt.id), "duplicate": receipt.duplicate}, status=201)


class DeliveriesView(SupplierEventsView):
    throttle_classes = (ListsPerSupplier,)
    parameters = parsers({**schema.DELIVERY_FILTERS, **LIST})

    @Operation(
        id="listSupplierDeliveries",
        summary="List the supplier's own webhook deliveries with their attempts",
        tag=SUPPLIERS,
        scope="events",
        path=schema.PLACE,
        query={**schema.DELIVERY_FILTERS, **LIST},
        answers={
            200: Answer(
                "Oldest first",
                schema.SupplierDeliveries,
                links={
                    "redeliver": {**_SAME_PLACE, "deliveryId": "$response.body#/deliveries/0/id"},
                    "getOrderData": {"ExternalId": "$response.body#/deliveries/0/orderToken"},
                },
            )
        },
        problems=(NotFound, Throttled),
    )
    def get(self, request: Request, country: str, tenant: str) -> Response:
        """What went to the supplier's webhook and came back. Go on from ``page.next``: it skips none.

        What gets the filtered ``status`` later may stand before a cursor.
        """
        given = read_parameters(request, self.parameters)
        wanted = own_deliveries.listed(self.supplier, since=given.get("since"), status=given.get("status"))
        rows, page = page_of(wanted, given.get("cursor"), given.get("take", DEFAULT_TAKE))
        return Response({"deliveries": own_deliveries.as_json(rows), "page": page})


class RedeliverView(SupplierEventsView):
    throttle_classes = (RedeliveriesPerSupplier,)

    @Operation(
        id="redeliver",
        summary="Have one webhook delivery sent again",
        tag=SUPPLIERS,
        scope="events",
        path={**schema.PLACE, "deliveryId": schema.DeliveryId},
        answers={200: Answer("It is sent again, in its place", schema.Redelivery)},
        problems=(NotFound, Conflict, Throttled),
    )
    def post(self, request: Request, country: str, tenant: str, delivery_id: str) -> Response:
        """The same event with the same webhook-id, as soon as it is first in its order's line. A body is not read."""
        read_parameters(request, {})
        return Response(own_deliveries.redeliver(self.supplier, delivery_id).as_json())
