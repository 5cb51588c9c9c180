"""What became of one order at those who deliver it: each integration adds its part (``Integration.fulfilment``)."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import read_parameters
from orders.api.schema.fulfilment import get_fulfilment
from orders.api.views import ApiView
from orders.integrations import integrations
from orders.models import Order
from orders.values.order_key import OrderKey
from orders.values.problems import UnknownOrder


class FulfilmentView(ApiView):
    scopes: ClassVar = {"GET": "customer-orders:read"}

    @get_fulfilment
    def get(self, request: Request, business_unit_id: str, customer_order_id: str) -> Response:
        """Who was notified of the order, who fetched it, and what suppliers and warehouses said of it since."""
        read_parameters(request, {})
        key = OrderKey(self.caller.tenant.pk, business_unit_id, customer_order_id)
        if not Order.objects.filter(**key._asdict()).exists():
            raise UnknownOrder("No order with this id has been applied in this business unit.")
        parts = {name: part for one in integrations() for name, part in one.fulfilment(key).items()}
        return Response({"fulfilment": parts})
