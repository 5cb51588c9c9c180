"""What became of one order at those who deliver it: each integration adds its part (``Integration.fulfilment``)."""

from __future__ import annotations

from typing import Literal

from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import read_parameters
from orders.api.schema import Answer, Operation, components
from orders.api.views import ApiView
from orders.documents.value_types import Model, member
from orders.integrations import integrations
from orders.models import Order
from orders.values.order_key import OrderKey
from orders.values.problems import ProxyMode, UnknownOrder


class ParcelItem(Model):
    item_id: str = member("The item's id.", "BEAN-1")
    quantity: float | None = member("How many; null where nobody said and the order has no such line.", 2)


class SupplierLine(Model):
    item_id: str = member("The item's id.", "BEAN-1")
    ordered: float = member("How many are ordered now; 0 of an item that the order lost.", 3)
    accepted: float | None = member("How many the supplier accepted; null: it said nothing of the line.", 2)
    rejected: float | None = member("How many it rejected; null: it said nothing of the line.", 1)
    delivered: float = member("How many are in its deliveries, whatever their status.", 2)
    reason: str | None = member("Why it rejected or delays them, or null.", "Out of stock.")


class SupplierParcel(Model):
    delivery_id: str | None = member("The supplier's own id of it, or null.", "PARCEL-1")
    status: str = member("Its status in the supplier's words.", "shipped")
    carrier: str | None = member("Who carries it, or null.", "GLS")
    tracking_number: str | None = member("The carrier's number of it, or null.", "GLS-1001")
    tracking_url: str | None = member("Where it can be followed, or null.", "https://gls.example/GLS-1001")
    expected_date: str | None = member("When it is expected, as the supplier wrote it, or null.", "2026-11-23")
    items: list[ParcelItem] = member("What is in it.")


class SupplierFulfilment(Model):
    supplier_id: str = member("The supplier's id.", "beans")
    items: list[str] = member("The items of its lines.", ["BEAN-1"])
    told: bool = member("Whether it was notified of the order.", True)
    fetched: bool = member("Whether it has read its part of the order.", True)
    status: str | None = member("The status that it reported last, or null.", "in progress")
    lines: list[SupplierLine] = member("Its lines, one per item.")
    deliveries: list[SupplierParcel] = member("The deliveries that it reported.")


class WarehouseDespatch(Model):
    reference: str = member("The warehouse's reference of it.", "SHIP-1001")
    courier: str | None = member("Who carries it, or null.", "DPD")
    tracking_url: str | None = member("Where it can be followed, or null.", "https://dpd.example/SHIP-1001")
    completed: str | None = member("When it left the warehouse, or null.", "2026-11-21T09:30:00Z")
    items: list[ParcelItem] = member("What is in it, as far as the warehouse said.")


class WarehouseFulfilment(Model):
    channel_id: str = member("The OrderFlow channel's id.", "main")
    reference: str | None = member("The order's reference at the warehouse, or null.", "1001")
    state: Literal["waiting", "imported", "failed", "cancelled"] = member("What the warehouse has of it.", "imported")
    failure: str | None = member("Why the warehouse did not take it, or null.", None)
    despatches: list[WarehouseDespatch] = member("What left the warehouse.")


class OrderFulfilment(Model):
    suppliers: list[SupplierFulfilment] = member("Suppliers, in the order of the onboarding file.")
    warehouses: list[WarehouseFulfilment] = member("Warehouses, by channel.")


class Fulfilment(Model):
    fulfilment: OrderFulfilment = member("As it is now.")


class FulfilmentView(ApiView):
    @Operation(
        id="getFulfilment",
        summary="Read what became of one order at suppliers and warehouses",
        tag=components.ORDERS,
        scope="customer-orders:read",
        path=components.ORDER,
        answers={200: Answer("As it is now", Fulfilment)},
        problems=(UnknownOrder, ProxyMode),
    )
    def get(self, request: Request, business_unit_id: str, customer_order_id: str) -> Response:
        """Who was notified of the order, who fetched it, and what suppliers and warehouses said of it since."""
        read_parameters(request, {})
        key = OrderKey(self.caller.tenant.pk, business_unit_id, customer_order_id)
        if not Order.objects.filter(**key._asdict()).exists():
            raise UnknownOrder("No order with this id has been applied in this business unit.")
        parts = {name: part for one in integrations() for name, part in one.fulfilment(key).items()}
        return Response({"fulfilment": parts})
