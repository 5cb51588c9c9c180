"""The addresses that suppliers call: Order Data and their own events (docs/reference/supplier-events.md)."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.functional import cached_property
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import DEFAULT_TAKE, an_id, an_instant, one_of, read_list, read_parameters, text, whole
from orders.api.parsers import ApiRequest
from orders.api.permissions import METHOD_AND_ACCESS, AnswersInMode
from orders.api.views import ApiView
from orders.database.commit_order import page_of, read_cursor
from orders.documents import render
from orders.http.correlation import correlation_id
from orders.models import Delivery, Tenant
from orders.values.problems import InvalidParameter, NotFound
from suppliers import fulfilment, schema
from suppliers.models import Supplier
from suppliers.order_data.answer import answer_for
from suppliers.order_data.fetches import fetch_part
from suppliers.reports.recording import receive_report
from suppliers.throttles import ListsPerSupplier, RedeliveriesPerSupplier
from suppliers.webhooks import own_deliveries
from suppliers.webhooks.pull_feed import event_json, mark_notified, page_after

MOST_ITEMS = 200
"""Items of one stock request: as many as a page of anything else (docs/reference/api.md#events)."""


class OrderDataView(ApiView):
    """``GET /api/Orders?ExternalId=<orderToken>``: the supplier's part of an order as it is now."""

    scopes: ClassVar = {"GET": "supplier-orders:read"}

    @schema.order_data
    def get(self, request: Request) -> HttpResponse:
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
    """``GET /api/v1/stock?itemId=a&itemId=b``: what suppliers last said of their stock, for the tenant."""

    scopes: ClassVar = {"GET": "customer-orders:read"}

    @schema.stock
    def get(self, request: Request) -> Response:
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
    """``GET …/receive?lastEventId=``: the supplier's events after the last one it has; a long poll."""

    scopes: ClassVar = {"GET": "events"}

    @schema.receive
    def get(self, request: ApiRequest, country: str, tenant: str) -> Response:
        cursor = read_parameters(request, {"lastEventId": text}).get("lastEventId", "")
        page = page_after(self.supplier, cursor, hold_seconds=settings.HUB_RECEIVE_HOLD_SECONDS)
        self.check_again(request)
        mark_notified(page)
        following = f"{settings.HUB_PUBLIC_URL}{request.path_info}?{urlencode({'lastEventId': page.cursor})}"
        data = [event_json(notice) for notice in page.notices]
        return Response({"links": {"next": following}, "meta": {}, "data": data})


class SendView(SupplierEventsView):
    """``POST …/send``: a supplier reports order status, delivery or stock."""

    scopes: ClassVar = {"POST": "events"}

    @schema.send
    def post(self, request: Request, country: str, tenant: str) -> Response:
        body = request.data
        header_type = request.headers.get("Event-Type", "")
        if not header_type:
            raise InvalidParameter("Send the header Event-Type with the body's eventType.")
        receipt = receive_report(self.supplier, body, header_type=header_type, correlation_id=correlation_id())
        return Response({"id": str(receipt.id), "duplicate": receipt.duplicate}, status=201)


class DeliveriesView(SupplierEventsView):
    """``GET …/deliveries``: the supplier's own webhook deliveries with every attempt, oldest first."""

    throttle_classes = (ListsPerSupplier,)
    scopes: ClassVar = {"GET": "events"}
    parameters: ClassVar = {
        "since": an_instant,
        "status": one_of(*Delivery.Status.values),
        "cursor": read_cursor,
        "take": whole(1, 200),
    }

    @schema.deliveries
    def get(self, request: Request, country: str, tenant: str) -> Response:
        """What went to the supplier's webhook and came back. Go on from ``page.next``: it never skips one."""
        given = read_parameters(request, self.parameters)
        wanted = own_deliveries.listed(self.supplier, since=given.get("since"), status=given.get("status"))
        rows, page = page_of(wanted, given.get("cursor"), given.get("take", DEFAULT_TAKE))
        return Response({"deliveries": own_deliveries.as_json(rows), "page": page})


class RedeliverView(SupplierEventsView):
    """``POST …/deliveries/{id}:redeliver``: the same event again, with the same ``webhook-id``."""

    throttle_classes = (RedeliveriesPerSupplier,)
    scopes: ClassVar = {"POST": "events"}

    @schema.redeliver
    def post(self, request: Request, country: str, tenant: str, delivery_id: str) -> Response:
        """Sent again as soon as it is first in its order's line; a body is not looked at."""
        read_parameters(request, {})
        return Response(own_deliveries.redeliver(self.supplier, delivery_id).as_json())
